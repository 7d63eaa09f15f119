"""Windows NLB: what the utility prints, and how it is asked."""
