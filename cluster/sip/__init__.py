"""SIP Server: where its mode can be read."""
