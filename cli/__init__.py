"""The command line, installed as the package motionwarp_cli: it reads options, calls motionwarp, prints what came "
"of it."""
