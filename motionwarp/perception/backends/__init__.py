"""Estimators behind one interface: the bundled network, others' models, files."""
