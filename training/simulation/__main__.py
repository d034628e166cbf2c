"""Write simulated conversations and their exact turns into a folder that `timbre evaluate` reads.

    python -m training.simulation tuning  build/talk/tuning
    python -m training.simulation testing build/talk/testing
    python -m training.simulation testing build/talk/named --enrol --minutes 8

With `--enrol` everybody is enrolled with some of what they say, as it was spoken, which is then not in the talk, and so
are up to five people who do not talk: enrol.csv lists it for `timbre evaluate identification`. TIMBRE_DATA points to
the labelled speech. The same talk every time.
"""

import argparse
import os
from pathlib import Path

from training.simulation.folder import write_talks


def main() -> None:
    """Write them all."""
    parser = argparse.ArgumentParser(prog="python -m training.simulation", description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=("tuning", "testing"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--enrol", action="store_true", help="keep some speech of everybody for enrolment")
    parser.add_argument("--minutes", type=float, default=1_000.0, help="longest conversation")
    arguments = parser.parse_args()
    write_talks(
        Path(os.environ["TIMBRE_DATA"]),
        arguments.folder,
        testing=arguments.what == "testing",
        enrol=arguments.enrol,
        minutes=arguments.minutes,
    )


if __name__ == "__main__":
    main()
