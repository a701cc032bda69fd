"""Data sets of many transfers: plans, workers, manifests, exports."""
