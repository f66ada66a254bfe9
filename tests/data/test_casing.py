import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnner.data.casing import CASINGS, casing_class


@pytest.mark.parametrize(
    ("form", "casing"),
    [
        ("cat", "lower"),
        ("all-rounder", "lower"),
        ("çà", "lower"),
        ("Harry", "capitalised"),
        ("A", "capitalised"),
        ("J.", "capitalised"),
        ("Émile", "capitalised"),
        ("Ῥόδος", "capitalised"),
        ("ǅ", "capitalised"),
        ("NATO", "upper"),
        ("U.S.", "upper"),
        ("МОСКВА", "upper"),
        ("iPhone", "mixed"),
        ("McDonald", "mixed"),
        ("O'Brien", "mixed"),
        ("1997", "numeric"),
        ("1,000.50", "numeric"),
        ("-3%", "numeric"),
        ("½", "numeric"),
        ("१९४७", "numeric"),
        ("B-52", "alphanumeric"),
        ("1990s", "alphanumeric"),
        ("?", "symbols"),
        ("--", "symbols"),
        (":)", "symbols"),
        ("👩‍🚀", "symbols"),
        ("", "symbols"),
        ("東京", "other"),
        ("القاهرة", "other"),
        ("三", "other"),  # a numeral, but written as a word
    ],
)
def test_casing_class(form, casing):
    assert CASINGS[casing_class(form)] == casing


@given(st.text())
@settings(deadline=None, max_examples=200)
def test_every_form_has_a_casing_class_other_than_padding(form):
    assert 0 < casing_class(form) < len(CASINGS)
