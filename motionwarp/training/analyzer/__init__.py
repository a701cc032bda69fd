"""Training of the analyzer."""
