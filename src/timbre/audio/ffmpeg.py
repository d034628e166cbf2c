"""FFmpeg, and the little of it that recordings may use: these demuxers and decoders, and no protocol.

Playlists, which open other files, are not among them, nor pictures and film. What is added here is code that strangers'
files reach: a demuxer that opens nothing else, a decoder of sound.
"""

from __future__ import annotations

import re
from typing import Any, Final

import av
import av.logging
import av.subtitles.codeccontext  # PyAV loads these two on first use, when nothing can be loaded any more
import av.subtitles.stream
from av.container import InputContainer

from timbre.errors import AudioUnreadable

_DEMUXERS: Final = (
    "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dss,dts,dtshd,eac3,flac,flv,g722,g723_1,g729,gsm,ilbc,ircam,loas,"
    "matroska,mlp,mov,mp3,mpc,mpc8,mpeg,mpegts,nistsphere,ogg,qcp,sox,tak,truehd,tta,voc,w64,wav,wv"
)
_DECODERS: Final = (
    "aac,aac_latm,ac3,acelp.kelvin,adpcm_ct,adpcm_g722,adpcm_ima_oki,adpcm_ima_qt,adpcm_ima_wav,adpcm_ms,adpcm_sbpro_2,"
    "adpcm_sbpro_3,adpcm_sbpro_4,adpcm_swf,adpcm_yamaha,alac,amrnb,amrwb,ape,dca,dss_sp,eac3,evrc,flac,g722,g723_1,g726,"
    "g726le,g729,gsm,gsm_ms,ilbc,libgsm,libopus,libspeex,libvorbis,mlp,mp1,mp1float,mp2,mp2float,mp3,mp3float,mpc7,mpc8,"
    "nellymoser,opus,pcm_alaw,pcm_bluray,pcm_dvd,pcm_f16le,pcm_f32be,pcm_f32le,pcm_f64be,pcm_f64le,pcm_mulaw,"
    "pcm_s16be,pcm_s16be_planar,pcm_s16le,pcm_s16le_planar,pcm_s24be,pcm_s24le,pcm_s24le_planar,pcm_s32be,pcm_s32le,"
    "pcm_s32le_planar,pcm_s8,pcm_s8_planar,pcm_u8,qcelp,s302m,shorten,sipr,speex,tak,truehd,truespeech,tta,vorbis,"
    "wavpack,wmalossless,wmapro,wmav1,wmav2,wmavoice"
)
FAULTS: Final = (av.FFmpegError, OSError)  # what reading damaged files raises: the second is a seek to nowhere


def open_container(file: Any, demuxer: str | None = None) -> InputContainer:
    """Open a file, or what reads and seeks like one, by the demuxer that FFmpeg finds if none is named.

    Raises:
        AudioUnreadable: it is no recording.
    """
    options = {"format_whitelist": _DEMUXERS, "codec_whitelist": _DECODERS, "protocol_whitelist": "none"}
    try:
        container: InputContainer = av.open(
            file, "r", format=demuxer, container_options=options, buffer_size=1 << 18, metadata_errors="replace"
        )
        return container
    except MemoryError:
        raise
    except (*FAULTS, ValueError) as error:
        raise AudioUnreadable from error


def supported(stream: av.AudioStream) -> bool:
    """Tell whether a sound track may be decoded."""
    context = stream.codec_context
    return context is not None and context.name in _DECODERS.split(",")  # None where FFmpeg has no decoder at all


def codec_names(container: Any) -> dict[int, str]:
    """Return FFmpeg's name of the coding of each sound track, also of those that it cannot decode, by stream index."""
    level = av.logging.get_level()
    av.logging.set_level(av.logging.INFO)  # what is told is told in a log
    try:
        told = container.dumps_format()
    finally:
        av.logging.set_level(level)
    return {
        int(index): name for index, name in re.findall(r"^ *Stream #\d+:(\d+).*?: Audio: (\w+)", told, re.MULTILINE)
    }
