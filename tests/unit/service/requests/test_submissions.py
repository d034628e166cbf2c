"""The rules of requests, one table each; then whatever may come."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from timbre.errors import RequestInvalid
from timbre.models.catalogue import catalogue
from timbre.service.files.requests import MediaRequest
from timbre.service.jobs.requests import MergeVoicesRequest
from timbre.service.requests.body import Request, parse
from timbre.service.requests.submissions import (
    DiarizeRequest,
    IdentifyRequest,
    LabelledVoiceprint,
    Matching,
    VoiceprintRequest,
)

URL = "https://media.example.org/board.mp3?sig=abc"
ADA = {"label": "Ada", "voiceprint": "Zm9vYmFyZm9vYmFy"}
GRACE = {"label": "Grace", "voiceprint": "YmF6cXV4YmF6cXV4"}
REQUESTS = (MediaRequest, DiarizeRequest, VoiceprintRequest, IdentifyRequest)
JOBS = (DiarizeRequest, VoiceprintRequest, IdentifyRequest)
SPEAKERS = (DiarizeRequest, IdentifyRequest)

# As the official SDK 0.4.0 sends them.
SDK_DIARIZE = {
    "url": "media://0cc175b9c0f1b6a831c399e269772661",
    "model": "precision-2",
    "numSpeakers": None,
    "minSpeakers": None,
    "maxSpeakers": None,
    "confidence": False,
    "turnLevelConfidence": False,
    "exclusive": False,
    "transcription": False,
}
SDK_IDENTIFY = {
    **{key: value for key, value in SDK_DIARIZE.items() if key != "transcription"},
    "voiceprints": [ADA],
    "matching": {"exclusive": True, "threshold": 0.0, "mergeSpeakers": True},
}


def body(model: type[Request], /, **options) -> dict:
    least = {"url": "media://board"} if model is MediaRequest else {"url": URL}
    if model is IdentifyRequest:
        least["voiceprints"] = [ADA]
    return {**least, **options}


def read(model, content, *, webhook_http=False):
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return parse(model, raw, webhook_http=webhook_http)


def accepted(model, /, *, webhook_http=False, **options):
    request, warning = read(model, body(model, **options), webhook_http=webhook_http)
    assert warning is None
    return request


def refused(model, content, *, webhook_http=False) -> list[tuple[str, str]]:
    with pytest.raises(RequestInvalid) as caught:
        read(model, content, webhook_http=webhook_http)
    check_errors(caught.value)
    return list(caught.value.errors)


def check_errors(error: RequestInvalid):
    assert error.errors
    for field, message in error.errors:
        assert field.isprintable()
        assert 0 < len(message) <= 200
        assert message.isprintable()


def refusal(model, field, /, *, webhook_http=False, **options) -> str:
    """The message for one field, which is the only one at fault."""
    ((name, message),) = refused(model, body(model, **options), webhook_http=webhook_http)
    assert name == field
    return message


# --- the bodies of the SDK ---


def test_the_diarize_body_of_the_sdk():
    request, warning = read(DiarizeRequest, SDK_DIARIZE)
    assert warning is None
    assert request == DiarizeRequest(url="media://0cc175b9c0f1b6a831c399e269772661", model="precision-2")
    assert (request.num_speakers, request.min_speakers, request.max_speakers) == (None, None, None)


def test_the_identify_body_of_the_sdk():
    request, warning = read(IdentifyRequest, SDK_IDENTIFY)
    assert warning is None
    assert request.voiceprints == (LabelledVoiceprint(**ADA),)
    assert request.matching == Matching(exclusive=True, threshold=0.0)


def test_the_voiceprint_and_media_bodies_of_the_sdk():
    request, warning = read(VoiceprintRequest, {"url": "media://a1b2", "model": "precision-2"})
    assert (request.url, request.model, warning) == ("media://a1b2", "precision-2", None)
    request, warning = read(MediaRequest, {"url": "media://a1b2"})
    assert (request.url, warning) == ("media://a1b2", None)


def test_the_body_of_an_old_sdk_has_no_model():
    request, warning = read(DiarizeRequest, {"url": URL, "numSpeakers": None, "confidence": False})
    assert (request.model, warning) == (None, None)


# --- null, defaults, what is stored ---


@pytest.mark.parametrize("model", JOBS)
def test_null_is_absent_for_every_optional_field(model):
    optional = [field.alias for field in model.model_fields.values() if not field.is_required()]
    if model is IdentifyRequest:
        optional.remove("voiceprints")  # they may be absent only where there are `speakers`
    assert "webhook" in optional
    assert accepted(model, **dict.fromkeys(optional)) == accepted(model)


@pytest.mark.parametrize("name", ["precision-1", "precision-2", "precision-3", "base"])
@pytest.mark.parametrize("model", SPEAKERS)
def test_every_switch_may_be_false_or_true_with_every_model(model, name):
    switches = [field.alias for field in model.model_fields.values() if field.annotation is bool]
    assert len(switches) == 9
    for value in (False, True):
        request = accepted(model, model=name, **dict.fromkeys(switches, value))
        assert {request.model_dump(by_alias=True)[switch] for switch in switches} == {value}


def test_defaults():
    assert accepted(IdentifyRequest).model_dump(mode="json", by_alias=True, exclude_none=True) == {
        "url": URL,
        "tags": [],
        "webhookRevisions": False,
        "webhookStatusOnly": False,
        "exclusive": False,
        "confidence": False,
        "turnLevelConfidence": False,
        "speechProbability": False,
        "crosstalkProbability": False,
        "speakerProbability": False,
        "vadSensitivity": 0.0,
        "crosstalkSensitivity": 0.0,
        "channels": "mixed",
        "tracks": "mixed",
        "transcription": False,
        "voiceprints": [ADA],
        "matching": {"exclusive": True, "threshold": 0.0, "mergeSpeakers": True},
    }


@pytest.mark.parametrize("matching", [None, {}, {"exclusive": None}, {"threshold": None, "exclusive": None}])
def test_default_matching(matching):
    assert accepted(IdentifyRequest, matching=matching).matching == Matching(exclusive=True, threshold=0.0)


def test_requests_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        accepted(DiarizeRequest).url = "media://other"


def test_names_of_fields_serve_in_python_and_aliases_on_the_wire():
    assert DiarizeRequest(url=URL, num_speakers=2).num_speakers == 2
    request, warning = read(DiarizeRequest, {"url": URL, "num_speakers": 2})
    assert request.num_speakers is None
    assert warning == "Ignored unknown keys: num_speakers"


def test_a_job_stays_readable_when_the_setting_for_webhooks_has_changed():
    stored = accepted(DiarizeRequest, webhook="http://hooks.example.org", webhook_http=True)
    assert DiarizeRequest.model_validate(stored.model_dump(mode="json", by_alias=True, exclude_none=True)) == stored


# --- models ---


@pytest.mark.parametrize("model", JOBS)
@pytest.mark.parametrize("name", ["precision-1", "precision-2", "precision-3", *catalogue().packs])
def test_accepted_models(model, name):
    assert accepted(model, model=name).model == name


def test_community_1_diarizes_and_nothing_else():
    assert accepted(DiarizeRequest, model="community-1").model == "community-1"
    for model in (VoiceprintRequest, IdentifyRequest):
        assert "got the text 'community-1'" in refusal(model, "model", model="community-1")


@pytest.mark.parametrize("name", ["", "precision-4", "Precision-2", "auto", 2, True, ["base"], {}])
@pytest.mark.parametrize("model", JOBS)
def test_refused_models(model, name):
    assert refusal(model, "model", model=name).startswith("Expected one of precision-1, precision-2, ")


# --- addresses ---


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/a.wav",
        "HTTPS://Example.org:8443/a%20b.wav?x=1&y=ü#t=3",
        "https://user:secret@example.org/a.wav",
        "https://münchen.example/ä.wav",
        "http://192.168.1.7/a.wav",
        "http://[::1]:9000/a.wav",
        "https://example.org/with space.wav",
        "https://example.org",
        "https://example.org/" + "a" * (8192 - 20),
        "media://k",
        "media://a/../b-c_D.9",
        "media://" + "a" * 247,
    ],
)
@pytest.mark.parametrize("model", JOBS)
def test_accepted_urls(model, url):
    assert accepted(model, url=url).url == url


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "got an empty text"),
        ("board.wav", "got the text 'board.wav'"),
        ("ftp://example.org/a.wav", "http:// or https:// and a host"),
        ("file:///etc/passwd", "http:// or https:// and a host"),
        ("https://", "and a host"),
        ("https:///a.wav", "and a host"),
        ("https:example.org", "and a host"),
        ("https://user@/a.wav", "and a host"),
        ("https://exa mple.org/", "and a host"),
        ("https://a\\b/", "and a host"),
        ("https://example.org:0/", "and a host"),
        ("https://example.org:65536/", "and a host"),
        ("https://example.org:http/", "and a host"),
        ("https://[::1/", "and a host"),
        ("https://xn--/", "and a host"),
        ("https://xn--a-ecp.ru/", "and a host"),
        (" https://example.org/a.wav", "no spaces before or after"),
        ("https://example.org/a.wav\n", "no spaces before or after"),
        ("media://key ", "no spaces before or after"),
        ("https://example.org/\x00", "got U+0000 as character 21"),
        ("https://example.org/a\tb", "no control characters"),
        ("https://example.org/\x7f", "no control characters"),
        ("https://example.org/" + "a" * (8193 - 20), "at most 8192 characters, got 8193"),
        ("media://", "media:// and a key"),
        ("media:key", "media:// and a key"),
        ("media://käse", "media:// and a key"),
        ("media://a b", "media:// and a key"),
        ("media://a?b", "media:// and a key"),
        ("media://" + "a" * 248, "at most 255 characters, got 256"),
        (7, "got 7"),
        (True, "got true"),
        ([URL], "got a list"),
        ({"href": URL}, "got an object"),
    ],
)
@pytest.mark.parametrize("model", JOBS)
def test_refused_urls(model, url, says):
    assert says in refusal(model, "url", url=url)


@pytest.mark.parametrize("model", REQUESTS)
def test_the_url_is_required(model):
    without = body(model)
    del without["url"]
    assert refused(model, without) == [("url", "Expected a value, as this is required, got none")]
    assert refused(model, {**without, "url": None}) == refused(model, without)


@pytest.mark.parametrize("url", [URL, "media://", "media://a\n", " media://a", "MEDIA://a", "media://ä", "", None, 1])
def test_media_is_asked_for_by_media_urls_alone(url):
    ((field, _),) = refused(MediaRequest, {"url": url})
    assert field == "url"
    assert accepted(MediaRequest, url="media://a/../b-c_D.9").url == "media://a/../b-c_D.9"


@pytest.mark.parametrize("model", JOBS)
def test_webhooks(model):
    secure = "https://hooks.example.org/timbre?x=1"
    longest = "https://example.org/" + "a" * (2048 - 20)
    plain = "http://hooks.example.org/timbre"
    assert accepted(model, webhook=secure, webhookStatusOnly=True).webhook == secure
    assert accepted(model, webhook=longest).webhook == longest
    assert accepted(model, webhook=plain, webhook_http=True).webhook == plain
    assert "no webhooks over plain http" in refusal(model, "webhook", webhook=plain)


@pytest.mark.parametrize(
    ("webhook", "says"),
    [
        ("", "got an empty text"),
        ("hooks.example.org", "begins with https:// and a host"),
        ("ftp://hooks.example.org", "begins with https:// and a host"),
        ("media://key", "begins with https:// and a host"),
        ("https://", "begins with https:// and a host"),
        ("https:///path", "begins with https:// and a host"),
        ("https://user:secret@hooks.example.org/", "without user name and password"),
        ("https://hooks.example.org/ ", "no spaces before or after"),
        ("https://hooks.example.org/\r\nX", "no control characters"),
        ("https://example.org/" + "a" * (2049 - 20), "at most 2048 characters, got 2049"),
        (False, "got false"),
    ],
)
@pytest.mark.parametrize("model", JOBS)
def test_refused_webhooks(model, webhook, says):
    assert says in refusal(model, "webhook", webhook=webhook)


# --- switches and numbers ---


@pytest.mark.parametrize("value", [0, 1, "true", "", [], {}])
@pytest.mark.parametrize("model", SPEAKERS)
def test_a_switch_is_true_or_false(model, value):
    for switch in ("exclusive", "confidence", "turnLevelConfidence", "speechProbability", "webhookStatusOnly"):
        assert refusal(model, switch, **{switch: value}).startswith("Expected true or false, got ")
    assert refusal(IdentifyRequest, "matching.exclusive", matching={"exclusive": value})


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"numSpeakers": 2}, (2, None, None)),
        ({"numSpeakers": 2.0}, (2, None, None)),
        ({"numSpeakers": 1, "minSpeakers": None, "maxSpeakers": None}, (1, None, None)),
        ({"minSpeakers": 2}, (None, 2, None)),
        ({"maxSpeakers": 5}, (None, None, 5)),
        ({"minSpeakers": 3, "maxSpeakers": 3.0}, (None, 3, 3)),
        ({"maxSpeakers": 2**53 - 1}, (None, None, 2**53 - 1)),
    ],
)
@pytest.mark.parametrize("model", SPEAKERS)
def test_numbers_of_speakers(model, options, expected):
    request = accepted(model, **options)
    counts = (request.num_speakers, request.min_speakers, request.max_speakers)
    assert counts == expected
    assert not any(isinstance(count, float) for count in counts)


@pytest.mark.parametrize("value", [0, -1, 0.5, 2.5, "2", True, False, [2], {}])
@pytest.mark.parametrize("field", ["numSpeakers", "minSpeakers", "maxSpeakers"])
@pytest.mark.parametrize("model", SPEAKERS)
def test_refused_numbers_of_speakers(model, field, value):
    assert refusal(model, field, **{field: value}).startswith("Expected a whole number from 1 on, got ")


@pytest.mark.parametrize("model", SPEAKERS)
def test_numbers_of_speakers_that_contradict_each_other(model):
    for bound in ("minSpeakers", "maxSpeakers"):
        message = refusal(model, "numSpeakers", numSpeakers=2, **{bound: 2})
        assert message.startswith("Expected either numSpeakers, or minSpeakers and maxSpeakers")
    message = refusal(model, "maxSpeakers", minSpeakers=5, maxSpeakers=2)
    assert message == "Expected at least minSpeakers, which is 5, got 2"


@pytest.mark.parametrize("field", ["vadSensitivity", "crosstalkSensitivity"])
@pytest.mark.parametrize("model", SPEAKERS)
def test_sensitivities(model, field):
    for value in (-5, 5, 0, -5.0, 0.25):
        assert accepted(model, **{field: value}).model_dump(by_alias=True)[field] == value
    for value in (-5.01, 5.01, 10**400, "1", True, [], {}):
        assert refusal(model, field, **{field: value}).startswith("Expected a number from -5 to 5, got ")


def test_threshold():
    for value in (0, 0.0, -0.0, 50, 99.5, 100):
        threshold = accepted(IdentifyRequest, matching={"threshold": value}).matching.threshold
        assert threshold == value
        assert str(threshold)[0] != "-"
    for value in (-1, 100.5, "50", True, [], {}):
        message = refusal(IdentifyRequest, "matching.threshold", matching={"threshold": value})
        assert message.startswith("Expected a number from 0 to 100, got ")
    assert refusal(IdentifyRequest, "matching", matching=50) == "Expected an object, got 50"


@pytest.mark.parametrize(
    ("came", "tracks"), [("mixed", "mixed"), ("separate", "separate"), (0, 0), (3.0, 3), (None, "mixed")]
)
def test_sound_tracks_are_words_or_numbers(came, tracks):
    assert accepted(DiarizeRequest, tracks=came).tracks == tracks


@pytest.mark.parametrize("came", ["all", "0", -1, 256, 1.5, True, [0]])
def test_other_sound_tracks_are_refused(came):
    ((field, message),) = refused(DiarizeRequest, body(DiarizeRequest, tracks=came))
    assert field == "tracks"
    assert message.startswith("Expected one of mixed, separate, or a whole number from 0 to 255, got")


def test_channels_and_tracks_are_not_both_separate():
    ((field, _),) = refused(DiarizeRequest, body(DiarizeRequest, channels="separate", tracks="separate"))
    assert field == "tracks"


def test_numbers_without_end_are_refused():
    for number in (b"1e999", b"-1e999"):
        ((field, _),) = refused(DiarizeRequest, b'{"url": "media://a", "vadSensitivity": %b}' % number)
        assert field == "vadSensitivity"
    ((field, _),) = refused(DiarizeRequest, b'{"url": "media://a", "numSpeakers": 1e999}')
    assert field == "numSpeakers"


# --- transcription ---


@pytest.mark.parametrize("model", SPEAKERS)
def test_transcription(model):
    for transcription in (False, None):
        assert accepted(model, transcription=transcription) == accepted(model)
    assert accepted(model, transcriptionConfig=None) == accepted(model)
    for name in ("parakeet-tdt-0.6b-v3", "faster-whisper-large-v3-turbo", None):
        wished = accepted(model, transcription=True, transcriptionConfig={"model": name, "language": "EN"})
        assert (wished.transcription, wished.transcription_config.language) == (True, "en")
    for name in ("", 3, ["parakeet"]):
        message = refusal(model, "transcriptionConfig.model", transcriptionConfig={"model": name})
        assert message.startswith("Expected the name of a model")
    for language in ("", "english", 3, "e1"):
        assert "two or three letters" in refusal(
            model, "transcriptionConfig.language", transcriptionConfig={"language": language}
        )
    assert refusal(model, "transcription", transcription="yes").startswith("Expected true or false")


# --- voiceprints ---


def people(number):
    return [{"label": f"P{index}", "voiceprint": "Zm9v"} for index in range(number)]


@pytest.mark.parametrize("number", [1, 2, 50])
def test_accepted_voiceprints(number):
    request = accepted(IdentifyRequest, voiceprints=people(number))
    assert [voiceprint.label for voiceprint in request.voiceprints] == [f"P{index}" for index in range(number)]


@pytest.mark.parametrize(
    ("voiceprints", "errors"),
    [
        ([], [("voiceprints", "Expected 1 to 50 voiceprints, got 0")]),
        (people(51), [("voiceprints", "Expected 1 to 50 voiceprints, got 51")]),
        (None, [("voiceprints", "Expected a value, as this is required, got none")]),
        (ADA, [("voiceprints", "Expected a list of 1 to 50 voiceprints, got an object")]),
        ("Zm9v", [("voiceprints", "Expected a list of 1 to 50 voiceprints, got the text 'Zm9v'")]),
        ([7], [("voiceprints.0", "Expected an object, got 7")]),
        ([ADA, None], [("voiceprints.1", "Expected an object, got null")]),
        (
            [ADA, {**GRACE, "label": "Ada"}],
            [("voiceprints.1.label", "Expected another label than that of voiceprints.0: 'Ada'")],
        ),
        ([{"label": "Ada"}], [("voiceprints.0.voiceprint", "Expected a value, as this is required, got none")]),
        ([{"voiceprint": "Zm9v"}], [("voiceprints.0.label", "Expected a value, as this is required, got none")]),
    ],
)
def test_refused_voiceprints(voiceprints, errors):
    assert refused(IdentifyRequest, body(IdentifyRequest, voiceprints=voiceprints)) == errors


@pytest.mark.parametrize("label", ["a", " Ada ", "Ada Lovelace", "李雷", "Speakers_1", "\N{FAMILY}", "x" * 100])
def test_accepted_labels(label):
    assert accepted(IdentifyRequest, voiceprints=[{**ADA, "label": label}]).voiceprints[0].label == label


@pytest.mark.parametrize(
    ("label", "says"),
    [
        ("", "a name of 1 to 100 characters, got an empty text"),
        ("x" * 101, "at most 100 characters, got 101"),
        ("speaker_00", "does not begin with SPEAKER_"),
        ("SPEAKER_00", "does not begin with SPEAKER_"),
        ("Speaker_Ada", "does not begin with SPEAKER_"),
        ("A\x00da", "got U+0000 as character 2"),
        ("A\nda", "no control characters"),
        ("A\x85da", "got U+0085"),
        (5, "got 5"),
        (["Ada"], "got a list"),
    ],
)
def test_refused_labels(label, says):
    assert says in refusal(IdentifyRequest, "voiceprints.0.label", voiceprints=[{**ADA, "label": label}])


def test_the_text_of_a_voiceprint():
    for text in ("x", "x" * 20_000, "Zm9v\r\nYmFy\n"):
        assert accepted(IdentifyRequest, voiceprints=[{**ADA, "voiceprint": text}]).voiceprints[0].voiceprint == text
    for text, says in (("", "an empty text"), ("x" * 20_001, "at most 20000 characters, got 20001"), ("a\0", "U+0000")):
        field = "voiceprints.0.voiceprint"
        assert says in refusal(IdentifyRequest, field, voiceprints=[{**ADA, "voiceprint": text}])


def test_half_a_character_is_refused():
    ((field, message),) = refused(IdentifyRequest, b'{"url": "media://a", "voiceprints": [{"label": "\\ud800"}]}')
    assert field == "body"
    assert "line 1 column" in message
    with pytest.raises(ValueError, match=r"U\+D800"):
        LabelledVoiceprint(label="\ud800", voiceprint="Zm9v")


# --- the body as a whole, and warnings ---


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "an empty body"),
        (b" \n", "an empty body"),
        (b"{", "text that is not JSON (line 1 column 1)"),
        (b"{'url': 1}", "text that is not JSON"),
        (b'{"url": NaN}', "text that is not JSON"),
        (b'{"url": -Infinity}', "text that is not JSON"),
        (b'{"url": "\xff"}', "a byte that is none at offset 9"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b'{"numSpeakers": ' + b"9" * 5000 + b"}", "a number with too many digits"),
        (b"null", "got null"),
        (b"[]", "got a list"),
        (b'"url"', "got the text 'url'"),
        (b"12", "got 12"),
    ],
)
@pytest.mark.parametrize("model", REQUESTS)
def test_what_is_no_json_object(model, content, says):
    ((field, message),) = refused(model, content)
    assert field == "body"
    assert message.startswith("Expected ")
    assert says in message


def test_of_a_key_that_comes_twice_the_last_counts():
    assert read(VoiceprintRequest, b'{"url": 1, "url": "media://a"}')[0].url == "media://a"


def test_all_errors_are_told_at_once():
    content = {"numSpeakers": 0, "vadSensitivity": 9, "voiceprints": [{**ADA, "label": ""}], "matching": 1}
    fields = {field for field, _ in refused(IdentifyRequest, content)}
    assert fields == {"url", "numSpeakers", "vadSensitivity", "voiceprints.0.label", "matching"}


def test_huge_values_are_not_repeated():
    for value in ("x" * 10_000, "\U000e0001" * 10_000, 10**4000):
        assert refusal(DiarizeRequest, "model", model=value)
        assert refusal(DiarizeRequest, "exclusive", exclusive=value)


@pytest.mark.parametrize(
    ("options", "warning"),
    [
        ({"foo": 1}, "Ignored unknown keys: foo"),
        ({"foo": False, "matching": {"bar": 1}}, "Ignored unknown keys: foo, matching.bar"),
        ({"voiceprints": [{**ADA, "id": 1}, {**GRACE, "id": 2}]}, "Ignored unknown keys: voiceprints[].id"),
        ({"foo": None, "transcriptionConfig": {"bar": 1}}, "Ignored unknown keys: transcriptionConfig.bar"),
        (
            {f"key{index}": index for index in range(12)},
            "Ignored unknown keys: key0, key1, key2, key3, key4, key5, key6, key7, key8, key9 and 2 more",
        ),
        ({"k" * 40: 1}, f"Ignored unknown keys: {'k' * 40}"),
        ({"k" * 41: 1}, f"Ignored unknown keys: {'k' * 39}…"),
        ({"a\n\x00\u202e": 1}, r"Ignored unknown keys: a\n\x00\u202e"),
        ({"matching": {"threshold": 0.5}}, "threshold is 0.5 on a scale of 0 to 100; did you mean 50?"),
        ({"matching": {"threshold": 1}}, "threshold is 1 on a scale of 0 to 100; did you mean 100?"),
        ({"matching": {"threshold": 1.01}}, None),
        (
            {"foo": 1, "matching": {"threshold": 0.7}},
            "Ignored unknown keys: foo; threshold is 0.7 on a scale of 0 to 100; did you mean 70?",
        ),
    ],
)
def test_warnings(options, warning):
    assert read(IdentifyRequest, body(IdentifyRequest, **options))[1] == warning


def test_keys_of_another_request_are_unknown():
    assert read(VoiceprintRequest, {"url": URL, "exclusive": True})[1] == "Ignored unknown keys: exclusive"
    assert read(MediaRequest, {"url": "media://a", "model": "base"})[1] == "Ignored unknown keys: model"


# --- whatever may come ---

TEXTS = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.sampled_from(
        [URL, "media://a", "https://", "http://[", "Ada", "base", "precision-2", "https://\N{KELVIN SIGN}"]
    ),
    st.builds("".join, st.tuples(st.sampled_from(["https://", "http://", "media://"]), st.text(max_size=12))),
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXTS)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=8)


def near(model):
    """Objects that have something to do with the request."""
    options = {field.alias: VALUES for field in model.model_fields.values()}
    options["url"] = TEXTS
    if model is IdentifyRequest:
        options["matching"] = VALUES | st.fixed_dictionaries({}, optional={"exclusive": SCALARS, "threshold": SCALARS})
        person = st.fixed_dictionaries({"label": TEXTS, "voiceprint": TEXTS}, optional={"id": SCALARS})
        options["voiceprints"] = VALUES | st.lists(person, min_size=1, max_size=3)
    required = {name: options.pop(name) for name in ("url", "voiceprints") if name in options}
    return st.fixed_dictionaries(required, optional={**options, "foo": VALUES})


def changed(model):
    """A good request, but for one value."""
    keys = st.sampled_from([*(field.alias for field in model.model_fields.values()), "foo"])
    return st.builds(lambda key, value: body(model, **{key: value}), keys, VALUES)


def try_to_read(model, content: bytes) -> bool:
    """Read what may or may not be a request; say whether it is one."""
    try:
        request, warning = parse(model, content, webhook_http=True)
    except RequestInvalid as error:
        check_errors(error)
        return False
    stored = request.model_dump(mode="json", by_alias=True, exclude_none=True)
    text = json.dumps(stored, ensure_ascii=False, allow_nan=False)
    assert "\\u0000" not in text
    text.encode("utf-8")
    assert model.model_validate(json.loads(text)) == request
    assert parse(model, text.encode(), webhook_http=True)[0] == request
    assert warning is None or warning.isprintable()
    return True


@pytest.mark.parametrize("model", REQUESTS)
def test_arbitrary_json_is_read_or_refused(model):
    seen = set()

    @settings(max_examples=100)
    @given(VALUES | near(model) | changed(model))
    def check(content):
        seen.add(try_to_read(model, json.dumps(content).encode()))

    check()
    assert seen == {True, False}


@pytest.mark.parametrize("model", REQUESTS)
def test_arbitrary_bytes_are_read_or_refused(model):
    good = json.dumps(body(model)).encode()

    @settings(max_examples=300)
    @given(st.binary(max_size=60), st.integers(0, len(good)), st.integers(0, len(good)))
    def check(noise, start, end):
        try_to_read(model, noise)
        try_to_read(model, good[:start] + noise + good[end:])

    check()


def test_what_stands_in_a_list_twice_is_taken_once():
    body = b'{"into": "SPEAKER_00", "from": ["SPEAKER_01", "SPEAKER_01"], "more": 1}'
    request, warning = parse(MergeVoicesRequest, body, webhook_http=False)
    assert request.merged == ("SPEAKER_01",)
    assert warning == "Ignored unknown keys: more"
