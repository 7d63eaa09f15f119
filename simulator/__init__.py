"""A pretend site. Shipped for tests and demonstrations, never imported by the products."""
