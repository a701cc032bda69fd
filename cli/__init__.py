"""The command line, installed as the package motionwarp_cli.

It reads options, calls motionwarp and tells what came of it.
"""
