"""Seeing people: estimators of pose, parsing and matte, finding people and following one."""
