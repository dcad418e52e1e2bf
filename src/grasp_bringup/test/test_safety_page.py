"""The page tells what the tests assert."""

from safety_page import PAGE, page, rows

PATHS = "src/grasp_bringup/test:src/grasp_executor/test"


def test_the_catalogue_is_that_of_the_tests():
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(text), f"run: PYTHONPATH={PATHS} python -m safety_page --write"


def test_the_catalogue_is_long_and_no_row_comes_twice():
    cases = [case for case, _ in rows()]
    assert len(cases) >= 40
    assert len({case.name for case in cases}) == len({case.says for case in cases}) == len(cases)


def test_the_page_says_first_what_software_is_not():
    first = PAGE.read_text(encoding="utf-8").split("\n\n")[1]
    assert first.startswith("**Software stops are not safety-rated.**")
