"""A corpus: recordings with turns that are known to be right, as a folder of audio files with an RTTM file each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from timbre.errors import FormatError, InputError
from timbre.formats import rttm
from timbre.turns import Turn

AUDIO_EXTENSIONS = {
    *(".aac", ".aif", ".aiff", ".amr", ".au", ".flac", ".m4a", ".mkv", ".mov", ".mp3"),
    *(".mp4", ".oga", ".ogg", ".opus", ".wav", ".webm", ".wma"),
}
_LISTED = 5  # names that an error repeats


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A recording and its reference."""

    name: str  # of both files, without their extensions
    audio: Path
    reference: tuple[Turn, ...]  # who really speaks when


def read_corpus(folder: str | Path) -> tuple[Recording, ...]:
    """Pair the audio files of a folder with the RTTM files of the same name; other files are passed over.

    An RTTM file may hold one recording, whatever it is called there, or several, one of them called like the file.

    Returns:
        The recordings by name.

    Raises:
        InputError: the folder is none or holds no pair, or a file lacks its counterpart or shares its name.
        FormatError: an RTTM file is malformed, or none of its recordings is called like it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: expected a folder of audio files with an RTTM file of the same name each.")
    files = sorted(path for path in folder.iterdir() if path.is_file())
    audio = _by_name(folder, (path for path in files if path.suffix.lower() in AUDIO_EXTENSIONS))
    references = _by_name(folder, (path for path in files if path.suffix.lower() == ".rttm"))
    _refuse_unpaired(folder, audio.keys() - references.keys(), "RTTM file")
    _refuse_unpaired(folder, references.keys() - audio.keys(), "audio file")
    if not audio:
        raise InputError(f"{folder}: there are no audio files with an RTTM file of the same name here.")
    return tuple(
        Recording(name=name, audio=path, reference=_reference(references[name])) for name, path in audio.items()
    )


def _by_name(folder: Path, files: Iterable[Path]) -> dict[str, Path]:
    named: dict[str, Path] = {}
    for path in files:
        other = named.setdefault(path.stem, path)
        if other != path:
            raise InputError(f"{folder}: {other.name} and {path.name} are both called {path.stem}; rename one.")
    return named


def _refuse_unpaired(folder: Path, names: Iterable[str], lacking: str) -> None:
    unpaired = sorted(names)
    if unpaired:
        more = f" and {len(unpaired) - _LISTED} more" if len(unpaired) > _LISTED else ""
        listed = ", ".join(unpaired[:_LISTED]) + more
        raise InputError(f"{folder}: there is no {lacking} for {listed}; add it, or take the other file away.")


def _reference(path: Path) -> tuple[Turn, ...]:
    try:
        recordings = rttm.loads_all(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: expected text in UTF-8, got byte {error.object[error.start]:#04x}") from error
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error
    if len(recordings) > 1 and path.stem not in recordings:
        raise FormatError(
            f"{path}: expected a recording named {path.stem}, got {', '.join(sorted(recordings)[:_LISTED])}"
        )
    return recordings[path.stem] if path.stem in recordings else next(iter(recordings.values()), ())
