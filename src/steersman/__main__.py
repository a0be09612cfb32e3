"""`python -m steersman` is `steer`."""

from steersman.cli.main import main

main()
