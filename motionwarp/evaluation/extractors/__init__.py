"""Networks that metrics take their features from, and finding their weights, which do not ship."""
