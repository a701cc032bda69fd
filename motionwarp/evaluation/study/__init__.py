"""Human studies: pages for pairwise A/B tests, and what their results say."""
