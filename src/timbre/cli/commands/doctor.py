"""`timbre doctor`: what is installed, what works, what is missing, and the command that gets it."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata, util
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from timbre.cli import options
from timbre.cli.display.output import json_line
from timbre.cli.display.tables import Column, Table, show
from timbre.cli.exits import Exit
from timbre.cli.inputs.loading import load_engine, read_settings
from timbre.errors import MasterKeyInvalid, MasterKeyMissing, OptionError, ServerError, TimbreError
from timbre.extras import Extra, install_command

if TYPE_CHECKING:
    from timbre.settings import Settings

_EXTRAS: dict[Extra, tuple[str, ...]] = {
    "conversion": ("onnx",),
    "docx": ("docx",),
    "evaluation": ("matplotlib", "pyannote.metrics"),
}


_PATIENCE = 20.0  # seconds that a recogniser has to answer about silence


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What came of one check."""

    subject: str
    state: Literal["ok", "missing", "broken"]
    detail: str
    remedy: str = ""  # what helps, mostly a command


def doctor(*, model: options.Model = None, device: options.Device = None, json: options.AsJson = False) -> None:
    """Say what is installed, what is missing and how to get it, and whether diarization works."""
    findings = [*_installation(), *_models(), *_protection(), *_extras(), *_words(), _hearing(model, device)]
    works = findings[-1].state == "ok"
    if json:
        typer.echo(json_line({"works": works, "findings": [asdict(finding) for finding in findings]}), nl=False)
    else:
        rows = [(finding.subject, finding.state, finding.detail) for finding in findings]
        show(Table((Column("Check"), Column("State"), Column("Found")), rows))
        for finding in findings:
            if finding.remedy:
                typer.echo(f"{finding.subject}: {finding.remedy}")
    if not works:
        raise typer.Exit(Exit.FAULT)


def _installation() -> Iterator[Finding]:
    for package in ("timbre", "numpy", "av"):
        yield Finding(subject=package, state="ok", detail=metadata.version(package))
    yield Finding(subject="python", state="ok", detail=f"{platform.python_version()} on {platform.platform()}")
    yield _runtime()
    temporary = tempfile.gettempdir()
    yield Finding(subject="temporary files", state="ok", detail=f"{temporary}, {_free(Path(temporary))}")


def _runtime() -> Finding:
    try:
        import onnxruntime  # noqa: PLC0415
    except ImportError as error:
        return Finding(
            subject="onnxruntime", state="broken", detail=str(error), remedy="pip install --force-reinstall onnxruntime"
        )
    providers = ", ".join(onnxruntime.get_available_providers())
    detail = f"{onnxruntime.__version__} with {providers}"
    return Finding(subject="onnxruntime", state="ok", detail=detail)


def _models() -> Iterator[Finding]:
    from timbre.models.runtime import available_threads  # noqa: PLC0415

    try:
        settings = read_settings()
    except OptionError as error:
        yield Finding(subject="settings", state="broken", detail=str(error))
        return
    cores = f"{available_threads(settings)} of {os.cpu_count()} used"
    yield Finding(subject="cores", state="ok", detail=cores)
    yield Finding(subject="models folder", state="ok", detail=f"{settings.models_dir}, {_free(settings.models_dir)}")
    yield from _packs(settings)


def _packs(settings: Settings) -> Iterator[Finding]:
    from timbre.models.store import Store  # noqa: PLC0415

    store = Store(settings)
    corrupt = {status.file.name for status in store.verify() if status.state != "present"}
    for status in store.status():
        pack = status.pack.name
        damaged = sorted(corrupt & {file.file.name for file in status.files})
        shipped = any(file.file.shipped for file in status.files if file.file.name in damaged)
        remedy = "install Timbre again" if shipped else f"timbre models pull {pack}"
        if damaged:
            yield Finding(subject=f"pack {pack}", state="broken", detail=", ".join(damaged), remedy=remedy)
        elif status.complete:
            yield Finding(subject=f"pack {pack}", state="ok", detail="complete, checksums right")
        else:
            yield Finding(subject=f"pack {pack}", state="missing", detail=status.pack.description, remedy=remedy)


def _protection() -> Iterator[Finding]:
    """Whether the gallery of a server here could protect its voiceprints; never the key itself."""
    from timbre.service.keys.master_key import MasterKeys, key_file  # noqa: PLC0415

    try:
        settings = read_settings()
    except OptionError:
        return  # said already
    file = key_file(settings)
    where = "set by TIMBRE_MASTER_KEY" if settings.master_key is not None else f"in {file}"
    try:
        keys = MasterKeys.load(settings)
        fault = _unfit(settings)
    except MasterKeyMissing:
        if settings.database_url is None:
            yield Finding(subject="master key", state="missing", detail="made when `timbre serve` starts first")
            return
        remedy = f"openssl rand -base64 32 > {file}, the same on every machine; or set TIMBRE_MASTER_KEY"
        yield Finding(subject="master key", state="missing", detail="without it the gallery is closed", remedy=remedy)
        return
    except ServerError as error:
        yield Finding(subject="master key", state="broken", detail=str(error))
        return
    opened = settings.master_key is None and bool(file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
    if fault:
        yield Finding(subject="master key", state="broken", detail=fault)
    elif opened:
        detail = f"{where}, but others than its owner may read it"
        yield Finding(subject="master key", state="broken", detail=detail, remedy=f"chmod 600 {file}")
    else:
        more = len(keys.keys) - 1
        detail = f"{where}{f', and {more} before it' if more else ''}"
        remedy = "timbre keys rotate-master, then take away all but the first" if more else ""
        yield Finding(subject="master key", state="ok", detail=detail, remedy=remedy)


def _unfit(settings: Settings) -> str:
    """What is wrong with the master key for the database, if that is there to be asked."""
    from psycopg import Error  # noqa: PLC0415

    from timbre.cli.server.data_folder import embedded  # noqa: PLC0415
    from timbre.service.keys.template_protection import check_master_key  # noqa: PLC0415
    from timbre.store.database import open_database  # noqa: PLC0415

    async def check(url: str) -> None:
        async with open_database(url, connections=1, application="timbre doctor") as database:
            await check_master_key(database, settings)

    url = settings.database_url or embedded(settings).url()
    try:
        if url is not None:
            asyncio.run(check(url))
    except MasterKeyInvalid as error:
        return str(error)
    except (TimbreError, Error):
        return ""  # it does not answer, or is not up to date: nothing to say about the key
    return ""


def _extras() -> Iterator[Finding]:
    for extra, packages in _EXTRAS.items():
        subject = f"extra {extra}"
        missing = [package for package in packages if not _is_installed(package)]
        if missing:
            yield Finding(subject=subject, state="missing", detail=", ".join(missing), remedy=install_command(extra))
        else:
            yield Finding(subject=subject, state="ok", detail=", ".join(packages))


def _words() -> Iterator[Finding]:
    """Whether what recognises words answers, asked for those in half a second of silence."""
    from timbre.cli.server.logs import no_log  # noqa: PLC0415
    from timbre.errors import RecogniserFailed  # noqa: PLC0415
    from timbre.service.worker.words import open_words  # noqa: PLC0415

    try:
        settings = read_settings()
    except OptionError:
        return  # said already
    if settings.recogniser is None:
        remedy = "TIMBRE_ASR_URL names a server that does, or TIMBRE_ASR_MODEL a model of the extra asr"
        yield Finding(subject="words", state="missing", detail="nothing is set that recognises them", remedy=remedy)
        return
    where = settings.asr_url or "in the worker itself"
    quick = settings.model_copy(update={"asr_seconds": min(settings.asr_seconds, _PATIENCE)})

    async def ask() -> None:
        async with open_words(quick) as words:
            await words.answer()

    began = time.perf_counter()
    try:
        with no_log():
            asyncio.run(ask())
    except (TimbreError, ImportError) as error:
        remedy = "look at TIMBRE_ASR_URL, TIMBRE_ASR_NETWORKS and TIMBRE_ASR_KEY"
        told = remedy if isinstance(error, RecogniserFailed) else ""
        yield Finding(subject="words", state="broken", detail=str(error), remedy=told)
        return
    detail = f"{settings.recogniser}, {where}, answers in {time.perf_counter() - began:.1f} s"
    yield Finding(subject="words", state="ok", detail=detail)


def _hearing(model: str | None, device: str | None) -> Finding:
    """Diarize a few made-up syllables, from a file's bytes to turns."""
    from timbre.cli.inputs.synthetic_speech import babble  # noqa: PLC0415

    began = time.perf_counter()
    try:
        engine = load_engine(model, device)
        result = engine.diarize(babble())
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what is to be found out
        return Finding(subject="diarization", state="broken", detail=" ".join(str(error).split()))
    if not result.turns:
        return Finding(subject="diarization", state="broken", detail="no voice was heard in sound that has one")
    seconds = time.perf_counter() - began
    where = f"pack {engine.model} on {engine.settings.device}"
    detail = f"works: {where}, {result.duration:.1f} s of sound in {seconds:.1f} s, loading included"
    return Finding(subject="diarization", state="ok", detail=detail)


def _is_installed(package: str) -> bool:
    try:
        return util.find_spec(package) is not None
    except ModuleNotFoundError:  # not even what it is a part of
        return False


def _free(path: Path) -> str:
    there = next(parent for parent in (path.absolute(), *path.absolute().parents) if parent.exists())
    return f"{shutil.disk_usage(there).free / 1e9:.1f} GB free"
