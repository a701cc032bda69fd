"""The packages of the distribution: every folder of code, and cli/ and weights/ under names that cannot collide."""

from setuptools import find_packages, setup

# all else stands in pyproject.toml; there a new engine's folder would have to be entered by hand
setup(packages=[*find_packages(include=["motionwarp", "motionwarp.*"]), "motionwarp_cli", "motionwarp_weights"])
