"""Decides and acts. The only package that may change a port."""
