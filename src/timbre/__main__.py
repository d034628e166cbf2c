"""`python -m timbre` is the command line."""

from timbre.cli import main

main()
