"""Looks and tells. Cannot change anything."""
