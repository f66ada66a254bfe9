"""What a request may contain, and the statuses of everything else."""

import pytest

from service import JSON, client_of, refused

NBEST = "a whole number from 0 to 20 (--max-nbest)"
LONG_SENTENCE = " ".join(["word"] * 10_000)


def post(client, body, **headers):
    return client.post("/predict", content=body, headers={**JSON, **headers})


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b"", "EOF while parsing a value"),
        (b"{", "EOF while parsing an object"),
        (b'{"text": "Ada"', "EOF while parsing an object"),
        (b"text=Ada", "expected ident"),
        (b'{"text": "Ada"}}', "trailing characters"),
        (b"\x00\x01\x02", "expected value"),
        (b'{"text": "\xff\xfe"}', "invalid unicode code point"),
        (b'{"text": "\xed\xa0\x80"}', "invalid unicode code point"),
        (rb'{"text": "\ud800"}', "unexpected end of hex escape"),
        (rb'{"text": "\ud800 Ada"}', "unexpected end of hex escape"),
        (rb'{"text": "\udc00 Ada"}', "lone leading surrogate"),
        ('{"text": "Ada"}'.encode("utf-16"), "expected value"),
        (b"[" * 100_000, "recursion limit"),
        (b'{"a":' * 100_000, "recursion limit"),
    ],
)
def test_what_is_not_json(client, body, part):
    refused(post(client, body), 400, "not valid JSON: ", part)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("null", 'found None; expected an object such as {"text": "..."}'),
        ("[]", 'found a list; expected an object such as {"text": "..."}'),
        ('"Ada"', 'found Ada; expected an object such as {"text": "..."}'),
        ("{}", 'found neither of "text" and "texts"; expected one of them'),
        ('{"text": "a", "texts": ["b"]}', 'found both of "text" and "texts"; expected one of them'),
        ('{"text": 7}', '"text" is 7; expected a string'),
        ('{"text": ["a"]}', '"text" is a list; expected a string'),
        ('{"texts": "a"}', '"texts" is a; expected a list of strings'),
        ('{"texts": ["a", null]}', '"texts"[1] is None; expected a string'),
        ('{"texts": ["a", {"text": "b"}]}', '"texts"[1] is an object; expected a string'),
        ('{"text": "a", "threshold": "0.5"}', '"threshold" is 0.5; expected a number from 0 to 1'),
        ('{"text": "a", "threshold": 1.5}', '"threshold" is 1.5; expected a number from 0 to 1'),
        ('{"text": "a", "threshold": NaN}', '"threshold" is nan; expected a number from 0 to 1'),
        ('{"text": "a", "threshold": 1e999}', '"threshold" is inf; expected a number from 0 to 1'),
        ('{"text": "a", "nbest": -1}', '"nbest" is -1; expected ' + NBEST),
        ('{"text": "a", "nbest": 21}', '"nbest" is 21; expected ' + NBEST),
        (
            '{"text": "a", "nbest": true}',
            '"nbest" is True; expected ' + NBEST,
        ),
        ('{"text": "a", "sorted": 1}', '"sorted": unknown key; expected text, texts, threshold, nbest'),
    ],
)
def test_what_is_not_a_request(client, body, message):
    answer = post(client, body)
    refused(answer, 422)
    assert answer.json()["error"] == message


def test_a_huge_number_is_not_a_request(client):
    refused(
        post(client, b'{"text": "a", "nbest": ' + b"9" * 4000 + b"}"), 422, '"nbest" is 999', "...; expected"
    )
    refused(post(client, b'{"text": "a", "nbest": ' + b"9" * 5000 + b"}"), 400, "number out of range")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""])
def test_a_body_must_be_declared_as_json(client, kind):
    refused(post(client, '{"text": "Ada"}', **{"content-type": kind}), 415, "expected application/json")


def test_the_character_set_of_json_may_be_declared(client):
    answer = post(client, '{"text": "Ada"}', **{"content-type": "Application/JSON; charset=utf-8"})
    assert answer.status_code == 200


def test_a_text_of_exactly_the_allowed_length_is_answered(serve):
    with client_of(serve(text=12)) as client:
        assert client.post("/predict", json={"text": "Ada Lovelace"}).status_code == 200
        answer = client.post("/predict", json={"text": "Ada Lovelace."})
        refused(answer, 413, '"text" has 13 characters; at most 12 are allowed (--max-text)')
        answer = client.post("/predict", json={"texts": ["Ada", "Ada Lovelace."]})
        refused(answer, 413, '"texts"[1] has 13 characters; at most 12 are allowed')


def test_a_request_may_have_a_limited_number_of_texts(serve):
    with client_of(serve(texts=2)) as client:
        assert client.post("/predict", json={"texts": ["a", "b"]}).status_code == 200
        answer = client.post("/predict", json={"texts": ["a", "b", "c"]})
        refused(answer, 413, "has 3 texts; at most 2 are allowed (--max-texts)")


def test_each_reading_counts_as_text(serve):
    with client_of(serve(body=1000)) as client:
        asked = {"texts": ["a" * 125] * 2, "nbest": 3}
        assert client.post("/predict", json=asked).status_code == 200
        answer = client.post("/predict", json=asked | {"nbest": 4})
        refused(
            answer, 413, 'has 250 characters; at most 200 are allowed with "nbest": 4 (--max-body, divided'
        )


def test_the_bytes_of_a_body_are_counted_as_they_arrive(serve):
    sent = 0

    def parts():
        nonlocal sent
        while sent < 100_000_000:
            sent += 65_536
            yield b" " * 65_536

    with client_of(serve(body=1000)) as client:
        answer = client.post("/predict", content=parts(), headers=JSON)
        refused(answer, 413, "at most 1,000 bytes are allowed (--max-body)")
        declared = post(client, b" " * 1001)
        refused(declared, 413, "the body has 1,001 bytes or more; at most 1,000 bytes")
        assert post(client, b'{"text": "' + b"a" * 988 + b'"}').status_code == 200


def test_a_very_long_sentence_is_answered(client):
    text = f"{LONG_SENTENCE} in Paris ."
    (entity,) = client.post("/predict", json={"text": text, "threshold": 0.5}).json()["entities"][-1:]
    assert text[entity["start"] : entity["end"]] == entity["text"] == "Paris"


def test_html_and_control_characters_come_back_as_data(client):
    text = '<script>alert(1)</script> Ada\x00 \x1b[31m\u202e "Lovelace" & Paris 😀'
    answer = client.post("/predict", json={"text": text})
    assert answer.json()["text"] == text
    assert answer.headers["content-type"] == "application/json"
    assert not any(control in answer.text for control in "\x00\x1b\u202e")
