"""Fit how the vectors of an encoder that ships with Timbre vary.

    python -m training.variation base src/timbre/models/calibrations/timbre-voice-1.npz

The people are those of TIMBRE_DATA whom encoders may be trained on, compared within their source and language; nobody
whom diarization is tuned or tested with is among them.
"""

import argparse
import csv
import os
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from timbre import Engine
from timbre.cli.measuring.pieces import hear_pieces
from timbre.evaluation.variation import fit_variation
from timbre.models.variation import write_variation
from training.encoder.corpus import is_unseen


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(prog="python -m training.variation", description=__doc__.split("\n")[0])
    parser.add_argument("pack")
    parser.add_argument("file", type=Path)
    arguments = parser.parse_args()
    pieces = hear_pieces(Engine(arguments.pack), known_people(Path(os.environ["TIMBRE_DATA"])))
    arguments.file.write_bytes(write_variation(fit_variation(pieces)))


def known_people(data: Path) -> dict[tuple[str, str], list[Path]]:
    """Return the recordings of everybody whom encoders may be trained on, by source with language and by name."""
    unseen = is_unseen(data)
    with (data / "speakers" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=itemgetter("set", "language", "speaker"))
    return {
        (f"{source} {language}", speaker): [data / row["path"] for row in said]
        for (source, language, speaker), said in groupby(rows, itemgetter("set", "language", "speaker"))
        if not unseen(speaker)
    }


if __name__ == "__main__":
    main()
