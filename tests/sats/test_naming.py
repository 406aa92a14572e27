"""How names of 2.x modules are converted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_inner_universe.sats.naming import camel_case, pascal_case, snake_case, words


@pytest.mark.parametrize(
    ("source", "snake", "camel", "pascal"),
    [
        ("", "", "", ""),
        ("_", "", "", ""),
        ("name", "name", "name", "Name"),
        ("a_u8", "a_u_8", "aU8", "AU8"),
        ("player1", "player_1", "player1", "Player1"),
        ("Player1Id", "player_1_id", "player1Id", "Player1Id"),
        ("currentLevel2", "current_level_2", "currentLevel2", "CurrentLevel2"),
        ("ABc", "a_bc", "aBc", "ABc"),
        ("HTTPRequest", "http_request", "httpRequest", "HttpRequest"),
        ("XMLHTTPRequest", "xmlhttp_request", "xmlhttpRequest", "XmlhttpRequest"),
        ("TransformationsIn3D", "transformations_in_3_d", "transformationsIn3D", "TransformationsIn3D"),
        ("very_long_name", "very_long_name", "veryLongName", "VeryLongName"),
        ("VERY_LONG_NAME", "very_long_name", "veryLongName", "VeryLongName"),
        ("__private__name_", "private_name", "privateName", "PrivateName"),
        ("kebab-case name", "kebab_case_name", "kebabCaseName", "KebabCaseName"),
        ("ID", "id", "id", "Id"),
        ("userID", "user_id", "userId", "UserId"),
        ("A1B2", "a_1_b_2", "a1B2", "A1B2"),
        ("99Bottles", "99_bottles", "99Bottles", "99Bottles"),
        ("GrannySmith", "granny_smith", "grannySmith", "GrannySmith"),
        ("Apple_name", "apple_name", "appleName", "AppleName"),
        ("größeÄndern2", "größe_ändern_2", "größeÄndern2", "GrößeÄndern2"),
        ("ÄÖü", "ä_öü", "äÖü", "ÄÖü"),
        ("名前1Id", "名前1_id", "名前1Id", "名前1Id"),
        ("名前A", "名前a", "名前a", "名前a"),
        ("x٣y", "x٣y", "x٣y", "X٣y"),
    ],
)
def test_names(source: str, snake: str, camel: str, pascal: str) -> None:
    assert (snake_case(source), camel_case(source), pascal_case(source)) == (snake, camel, pascal)


@given(st.text(st.sampled_from("aAbB19_- é名"), max_size=12))
def test_words_lose_separators_only(name: str) -> None:
    found = words(name)
    assert "".join(found) == "".join(character for character in name if character not in "_- ")
    assert all(found)


@given(st.from_regex(r"[A-Za-z0-9_]{0,12}", fullmatch=True))
def test_converted_names_stay_as_they_are(name: str) -> None:
    assert snake_case(snake_case(name)) == snake_case(name)
