"""Runners: where a request to an NLB host is carried out."""
