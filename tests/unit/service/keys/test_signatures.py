"""Signatures of webhooks and links, against published vectors. Reference, section 17, point 21."""

from __future__ import annotations

import base64

import pytest

from timbre.service.keys.signatures import link_is_valid, new_webhook_secret, sign_link, webhook_headers

# section 8.3 of the reference; its secret is text, and happens to be base64 as well
BODY = b'{"jobId":"abc","status":"failed"}'
VECTOR = {"secrets": ["whsec_test"], "delivery": "msg_1", "timestamp": 1_760_000_000}

# the vector of the reference implementations of Standard Webhooks
STANDARD_BODY = b'{"test": 2432232314}'
STANDARD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105
STANDARD = {"delivery": "msg_p5jXN8AQM9LWM0D4loKWxJek", "timestamp": 1_614_265_330, "encoding": "hex"}
STANDARD_SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

KEY = b"k" * 32
LINK = (KEY, "PUT", "/media/7f3a", 1_760_000_000)


@pytest.mark.parametrize(
    ("encoding", "signature"),
    [
        ("hex", "0792fff03008e619782ec5723a9e4443b283d3014220336f298c919bd388d234"),
        ("base64", "B5L/8DAI5hl4LsVyOp5EQ7KD0wFCIDNvKYyRm9OI0jQ="),
    ],
)
def test_point_21_the_hosted_services_signature(encoding, signature):
    headers = webhook_headers(BODY, **VECTOR, encoding=encoding)
    assert headers["X-Signature"] == signature
    assert headers["X-Request-Timestamp"] == "1760000000"


def test_the_published_signature_of_standard_webhooks():
    headers = webhook_headers(STANDARD_BODY, secrets=[STANDARD_SECRET], **STANDARD)
    assert headers["webhook-signature"] == STANDARD_SIGNATURE
    assert headers["webhook-id"] == "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert headers["webhook-timestamp"] == "1614265330"


def test_while_a_secret_is_replaced_both_sign():
    older, newer = STANDARD_SECRET, new_webhook_secret()
    both = webhook_headers(STANDARD_BODY, secrets=[older, newer], **STANDARD)
    alone = [webhook_headers(STANDARD_BODY, secrets=[secret], **STANDARD) for secret in (older, newer)]
    assert both["webhook-signature"].split(" ") == [headers["webhook-signature"] for headers in alone]
    assert both["X-Signature"] == alone[0]["X-Signature"] != alone[1]["X-Signature"]


@pytest.mark.parametrize("secrets", [[], ["test"], ["whsec_AAAA AAAA"]])
def test_a_secret_that_cannot_sign_is_refused(secrets):
    with pytest.raises(ValueError, match=r"secret|base64"):
        webhook_headers(BODY, secrets=secrets, delivery="msg_1", timestamp=1, encoding="hex")


def test_secrets_are_standard_and_never_the_same():
    made = {new_webhook_secret() for _ in range(50)}
    assert len(made) == 50
    for secret in made:
        prefix, _, key = secret.partition("_")
        assert prefix == "whsec"
        assert 24 <= len(base64.b64decode(key, validate=True)) <= 32


def test_a_link_is_good_until_its_time():
    signature = sign_link(*LINK)
    assert len(signature) == 64
    assert link_is_valid(*LINK, signature, 1_760_000_000)
    assert not link_is_valid(*LINK, signature, 1_760_000_000.5)


@pytest.mark.parametrize(
    "other",
    [
        (b"K" * 32, *LINK[1:]),
        (KEY, "GET", *LINK[2:]),
        (KEY, "PUT", "/media/7f3b", LINK[3]),
        (*LINK[:3], LINK[3] + 1),
    ],
)
def test_a_link_is_good_for_nothing_else(other):
    assert not link_is_valid(*other, sign_link(*LINK), 0)


@pytest.mark.parametrize("signature", ["", "é", "\udc80", "0" * 64, sign_link(*LINK)[:-1], sign_link(*LINK).upper()])
def test_any_text_may_come_as_signature(signature):
    assert not link_is_valid(*LINK, signature, 0)
