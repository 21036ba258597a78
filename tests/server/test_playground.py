"""The page at `/`, in a real browser: Debian's Chromium, driven by Playwright."""

import json
import os
import re
import shutil
import subprocess
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect, sync_playwright
from support import NEWS, NEWS_LABELS

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
KEY = "a-secret-key"
NASTY = "It's \"5 o'clock\" — $HOME `id` $(id) \\n %s !! *\n\n\ttwo\\\nlines… 日本語 🎉 \u202eback\u0085 'JSON'\nJSON\n"
HOSTILE = "<img src=x onerror=\"document.title='hacked'\"><script>document.title='hacked'</script>"
ADDRESSES = ["/", "/playground/style.css", "/playground/app.js", "/playground/favicon.svg"]
CONTRASTS = """() => {
  const parse = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => {
    const linear = (part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = parse(color).map((part) => linear(part / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    const color = getComputedStyle(element).backgroundColor;
    return parse(color)[3] === 0 && element.parentElement ? ground(element.parentElement) : color;
  };
  const ratio = (one, other) => {
    const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const seen = [...document.querySelectorAll("body *")].filter((element) => element.checkVisibility());
  const hasWords = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  const measured = (element, pseudo) => [
    element.outerHTML.slice(0, 80),
    ratio(getComputedStyle(element, pseudo).color, ground(element)),
  ];
  return [
    ...seen.filter(hasWords).map((element) => measured(element)),
    ...seen.filter((element) => element.placeholder).map((element) => measured(element, "::placeholder")),
  ];
}"""


@pytest.fixture(scope="module")
def browser():
    if not CHROMIUM:
        pytest.fail("Chromium is missing: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser):
    """`with visit(url, **context options) as page`: no script may fail, no other origin be asked."""

    @contextmanager
    def visiting(url, init_script="", **options):
        context = browser.new_context(**{"reduced_motion": "reduce"} | options)
        context.set_default_timeout(20_000)
        context.add_init_script(init_script)
        page = context.new_page()
        problems, page.asked = [], []
        page.on(
            "console", lambda message: problems.append(message.text) if message.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(url)
        yield page
        context.close()
        # the answer of an error status is no problem of the page
        assert [problem for problem in problems if not problem.startswith("Failed to load resource")] == []
        assert [asked for asked in page.asked if not asked.startswith(url)] == []

    return visiting


@pytest.fixture
def page(visit, server):
    with visit(server.url) as page:
        yield page


def tags_asked(page):
    return sum(asked.endswith("/v1/tag") for asked in page.asked)


def label(page, number):
    return page.get_by_label(f"Label {number}", exact=True)


def labels(page):
    return page.locator("#rows .label").evaluate_all("inputs => inputs.map(input => input.value)")


def fill(page, text, names, descriptions=(), text_type=""):
    page.get_by_role("button", name="Clear").click()
    page.get_by_label("Text", exact=True).fill(text)
    page.get_by_label("Kind of text").fill(text_type)
    for number, name in enumerate(names, 1):
        if number > 1:
            page.get_by_role("button", name="Add a label").click()
        label(page, number).fill(name)
        page.get_by_label(f"Description of label {number}", exact=True).fill(dict(descriptions).get(name, ""))


def press_tag(page):
    with page.expect_response("**/v1/tag"):
        page.get_by_role("button", name="Tag", exact=True).click()
    expect(page.get_by_role("button", name="Tag", exact=True)).to_be_visible()


def paste(target, text):
    target.evaluate(
        """(element, text) => {
          const data = new DataTransfer();
          data.setData("text/plain", text);
          element.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
        }""",
        text,
    )


def move_threshold(page, value):
    page.get_by_role("slider", name="Threshold").fill(str(value))


def bars(page, where):
    rows = page.locator(f"#{where} li")
    names, values = rows.locator(".name").all_inner_texts(), rows.locator(".value").all_inner_texts()
    return {name: float(value) for name, value in zip(names, values, strict=True)}


def call(page):
    return page.locator("#call").text_content()


def run(command, **environment):
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"} | environment
    done = subprocess.run(["bash"], input=command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def body_sent(command):
    """What the shell makes of the command: the body that curl would send."""
    spy = 'curl() { for last; do :; done; if [ "$last" = @- ]; then cat; else printf %s "$last"; fi; }\n'
    return json.loads(run(spy + command))


# Over HTTP


def test_the_page_is_html_under_a_strict_policy(server):
    response = server.client.get("/")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["content-security-policy"].split("; ") == [
        "default-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "object-src 'none'",
    ]


@pytest.mark.parametrize("path", ["/", "/playground/index.html", *ADDRESSES])
def test_page_and_files_are_guarded_and_never_out_of_date(server, path):
    headers = server.client.get(path).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ADDRESSES)
def test_no_key_is_needed_to_see_the_page(serve, path):
    with serve(api_keys=[KEY]) as server:
        assert server.client.get(path).status_code == 200


def test_the_page_holds_no_script_and_no_style(server):
    page = server.client.get("/").text
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page)
    assert not re.search(r"https?://", page)


@pytest.mark.parametrize("path", ["../../app.py", "%2e%2e/%2e%2e/app.py", "..%2f..%2fapp.py", "/etc/passwd"])
def test_only_the_files_of_the_page_are_served(server, path):
    assert server.client.get(f"/playground/{path}").status_code == 404


# In the browser


def test_the_page_loads_and_asks_nothing_yet(page):
    expect(page.get_by_role("heading", name="NLI Tagger")).to_be_visible()
    expect(page.get_by_role("status").first).to_have_text("Press Tag to see how well each label fits.")
    assert tags_asked(page) == 0
    assert labels(page) == NEWS_LABELS


def test_the_page_leads_to_the_api(page, server):
    links = page.get_by_role("navigation").get_by_role("link")
    addresses = links.evaluate_all("links => links.map(link => link.getAttribute('href'))")
    assert addresses == ["/docs", "/docs/openapi.json"]
    assert [server.client.get(address).status_code for address in addresses] == [200, 200]


@pytest.mark.parametrize("example", ["News", "Shop message", "Town letter"])
def test_an_example_is_tagged_at_once(page, server, example):
    with page.expect_response("**/v1/tag") as answered:
        page.get_by_role("button", name=example).click()
    expected = {tag["label"]: tag["confidence"] for tag in answered.value.json()["labels"]}
    expect(page.locator("#above li, #below li")).to_have_count(len(expected))
    shown = bars(page, "above") | bars(page, "below")
    assert list(shown.items()) == list(expected.items())
    assert list(shown.values()) == sorted(shown.values(), reverse=True)
    assert all(confidence >= 0.5 for confidence in bars(page, "above").values())
    assert set(shown) == set(labels(page))


def test_a_bar_is_as_long_as_its_confidence(page):
    press_tag(page)
    for row in page.locator("#above li, #below li").all():
        fill, track = (row.locator(part).bounding_box()["width"] for part in (".fill", ".track"))
        assert fill / track == pytest.approx(float(row.locator(".value").inner_text()), abs=0.02)


def test_tokens_latency_and_cache_are_shown(page):
    with page.expect_response("**/v1/tag") as answered:
        page.get_by_role("button", name="Tag", exact=True).click()
    answer = answered.value.json()
    cached = "from the cache" if answer["cached"] else "not cached"
    expect(page.locator("#facts")).to_have_text(f"{answer['tokens']} tokens · {answer['latency_ms']} ms · {cached}")


def test_an_answer_from_the_cache_is_called_so(page):
    answer = {"labels": [{"label": "a", "confidence": 1.0}], "tokens": 1234, "latency_ms": 0.1, "cached": True}
    page.route("**/v1/tag", lambda route: route.fulfill(json=answer))
    press_tag(page)
    expect(page.locator("#facts")).to_have_text("1,234 tokens · 0.1 ms · from the cache")


def test_the_threshold_filters_without_asking_again(page):
    press_tag(page)
    everything = bars(page, "above") | bars(page, "below")
    highest = max(everything.values())
    for threshold in (0, 0.3, 1, 0.5, int(highest * 100) / 100):
        move_threshold(page, threshold)
        assert bars(page, "above") == {name: value for name, value in everything.items() if value >= threshold}
        assert bars(page, "below") == {name: value for name, value in everything.items() if value < threshold}
    move_threshold(page, 1)
    expect(page.locator("#summary")).to_have_text("None of 4 labels at 1.00 or more")
    assert tags_asked(page) == 1


def test_a_label_right_at_the_threshold_applies(page):
    answer = {"labels": [{"label": "a", "confidence": 0.29}], "tokens": 9, "latency_ms": 1.0, "cached": False}
    page.route("**/v1/tag", lambda route: route.fulfill(json=answer))
    press_tag(page)
    for threshold, applies in ((0.28, True), (0.29, True), (0.3, False)):
        move_threshold(page, threshold)
        assert bool(bars(page, "above")) == applies


def test_the_threshold_moves_by_keyboard(page):
    press_tag(page)
    slider = page.get_by_role("slider", name="Threshold")
    slider.press("End")
    assert bars(page, "above") == {}
    slider.press("Home")
    assert bars(page, "below") == {}
    expect(page.get_by_role("heading", name="Below the threshold")).to_be_hidden()
    slider.press("ArrowRight")
    assert '"threshold": 0.01' in call(page)


def test_changed_input_is_said_to_differ_from_the_bars(page):
    press_tag(page)
    summary = page.locator("#summary")
    settled = summary.inner_text()
    label(page, 1).fill("weather")
    expect(summary).to_have_text("Text or labels have changed: press Tag again.")
    label(page, 1).fill(NEWS_LABELS[0])
    expect(summary).to_have_text(settled)


def test_clear_empties_everything(page):
    press_tag(page)
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#summary")).to_have_text("Press Tag to see how well each label fits.")
    assert (labels(page), bars(page, "above"), bars(page, "below")) == ([""], {}, {})
    expect(page.get_by_label("Text", exact=True)).to_be_focused()
    expect(page.get_by_label("Text", exact=True)).to_have_value("")


def test_rows_are_added_and_removed_by_keyboard(page):
    label(page, 4).focus()
    page.keyboard.press("Enter")
    expect(label(page, 5)).to_be_focused()
    page.keyboard.type("weather")
    page.keyboard.press("Tab")
    page.keyboard.type("rain and sun")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")  # an empty row is not followed by another
    assert labels(page) == [*NEWS_LABELS, "weather", ""]
    page.keyboard.press("Backspace")
    expect(label(page, 5)).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(label(page, 4)).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Remove label 4, sports")).to_be_focused()
    page.keyboard.press("Enter")
    assert labels(page) == [*NEWS_LABELS[:3], "weather"]
    expect(label(page, 4)).to_be_focused()
    assert '"weather": "rain and sun"' in call(page)
    assert tags_asked(page) == 0


def test_a_row_goes_between_others(page):
    label(page, 2).press("Enter")
    page.keyboard.type("science")
    assert labels(page) == ["politics", "technology", "science", "finance", "sports"]


def test_the_last_row_is_emptied_rather_than_removed(page):
    for _ in NEWS_LABELS:
        page.get_by_role("button", name=re.compile("^Remove label 1")).click()
    assert labels(page) == [""]
    expect(label(page, 1)).to_be_focused()


@pytest.mark.parametrize(
    ("pasted", "expected"),
    [
        ("red\ngreen\r\nblue\n", ["red", "green", "blue"]),
        ("red, green,blue ,", ["red", "green", "blue"]),
        ('["red", "green", "it\'s blue"]', ["red", "green", "it's blue"]),
        ("- red\n* green\n• blue", ["red", "green", "blue"]),
    ],
)
def test_a_pasted_list_becomes_rows(page, pasted, expected):
    page.get_by_role("button", name="Clear").click()
    paste(label(page, 1), pasted)
    assert labels(page) == expected
    expect(label(page, 3)).to_be_focused()


@pytest.mark.parametrize("between", [": ", "\t"])
def test_pasted_lines_may_have_descriptions(page, between):
    paste(label(page, 4), f"weather{between}rain, wind\nscience{between}a lab: discoveries")
    assert labels(page) == [*NEWS_LABELS, "weather", "science"]
    assert page.get_by_label("Description of label 5", exact=True).input_value() == "rain, wind"
    assert page.get_by_label("Description of label 6", exact=True).input_value() == "a lab: discoveries"


@pytest.mark.parametrize("pasted", ["weather", "Risk: high"])
def test_one_pasted_label_is_pasted_as_it_is(visit, server, pasted):
    with visit(server.url, permissions=["clipboard-read", "clipboard-write"]) as page:
        page.get_by_role("button", name="Clear").click()
        page.evaluate("words => navigator.clipboard.writeText(words)", pasted)
        label(page, 1).press("Control+v")
        assert labels(page) == [pasted]


def test_the_keyboard_alone_is_enough(page):
    order = []
    for _ in range(30):
        page.keyboard.press("Tab")
        order.append(
            page.evaluate(
                "document.activeElement.id || document.activeElement.ariaLabel || document.activeElement.textContent"
            )
        )
        if order[-1] == "call":
            break
    rows = [
        each
        for number, name in enumerate(NEWS_LABELS, 1)
        for each in (f"Label {number}", f"Description of label {number}", f"Remove label {number}, {name}")
    ]
    before = ["API page", "OpenAPI document", "News", "Shop message", "Town letter", "Clear", "text", "text-type"]
    assert order == [*before, *rows, "add", "API key", "tag", "threshold", "copy", "call"]


def test_what_has_the_focus_is_seen(page):
    for name in ("News", "Tag"):
        button = page.get_by_role("button", name=name, exact=True)
        page.keyboard.press("Tab")
        button.focus()
        assert button.evaluate("button => getComputedStyle(button).outlineStyle") == "solid"


def test_control_and_enter_tag_from_any_field(page):
    for field in (page.get_by_label("Text", exact=True), label(page, 2)):
        with page.expect_response("**/v1/tag"):
            field.press("Control+Enter")
    assert labels(page) == NEWS_LABELS


def test_only_the_last_of_several_requests_counts(page):
    page.get_by_role("button", name="News").click()
    page.get_by_role("button", name="Town letter").click()
    expect(page.locator("#above li, #below li")).to_have_count(4)
    assert set(bars(page, "above") | bars(page, "below")) == set(labels(page)) != set(NEWS_LABELS)
    assert page.locator(".error:not(:empty)").count() == 0


# Errors


def test_a_duplicate_label_is_explained_beside_the_labels(page):
    label(page, 3).fill("technology")
    press_tag(page)
    expect(page.locator("#labels-error")).to_have_text("Labels must be unique: 'technology' appears more than once.")
    expect(page.locator("#labels-error")).to_have_role("alert")
    expect(label(page, 3)).to_be_focused()
    expect(label(page, 3)).to_have_attribute("aria-invalid", "true")
    label(page, 3).fill("finance")
    expect(page.locator("#labels-error")).to_be_empty()
    assert page.locator("[aria-invalid]").count() == 0


def test_an_empty_text_is_explained_beside_the_text(page):
    page.get_by_label("Text", exact=True).fill("")
    press_tag(page)
    expect(page.locator("#text-error")).to_have_text("text is empty; send the text to tag.")
    expect(page.get_by_label("Text", exact=True)).to_be_focused()


def test_no_label_is_explained_beside_the_labels(page):
    fill(page, NEWS, [])
    press_tag(page)
    expect(page.locator("#labels-error")).to_have_text("labels is empty; send at least one label.")
    expect(label(page, 1)).to_be_focused()


def test_a_long_kind_of_text_is_explained_beside_it(page):
    page.get_by_label("Kind of text").fill("x" * 101)
    press_tag(page)
    expect(page.locator("#text-type-error")).to_contain_text("at most 100")


def test_a_description_without_a_label_is_explained(page):
    label(page, 2).fill("")
    page.get_by_label("Description of label 2", exact=True).fill("Something")
    press_tag(page)
    expect(page.locator("#labels-error")).to_contain_text("label")
    expect(label(page, 2)).to_be_focused()


def test_an_error_keeps_the_bars_and_a_good_answer_removes_the_error(page):
    press_tag(page)
    page.get_by_label("Text", exact=True).fill(" ")
    press_tag(page)
    assert len(bars(page, "above") | bars(page, "below")) == 4
    page.get_by_role("button", name="News").click()
    expect(page.locator("#text-error")).to_be_empty()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            {"status": 503, "json": {"detail": "Too much work is waiting; try again."}},
            "Too much work is waiting; try again.",
        ),
        ({"status": 502, "body": "<h1>Bad Gateway</h1>"}, "The server answered 502 Bad Gateway."),
        ({"status": 200, "body": "hello"}, "The server answered 200 OK."),
        ({"status": 422, "json": {"detail": "No.", "details": {"field": "unheard_of"}}}, "No."),
    ],
)
def test_any_other_error_is_said_beside_the_button(page, answer, said):
    page.route("**/v1/tag", lambda route: route.fulfill(**answer))
    press_tag(page)
    expect(page.locator("#form-error")).to_have_text(said)


def test_a_server_that_is_gone_is_called_so(page):
    page.route("**/v1/tag", lambda route: route.abort())
    page.get_by_role("button", name="Tag", exact=True).click()
    expect(page.locator("#form-error")).to_have_text("The server did not answer. Is it still running?")
    expect(page.get_by_role("button", name="Tag", exact=True)).to_be_visible()


def test_a_wanted_key_is_asked_for_used_and_kept_nowhere(visit, serve):
    with serve(api_keys=[KEY]) as server, visit(server.url) as page:
        field = page.locator("#key")
        expect(field).to_be_hidden()
        press_tag(page)
        expect(page.locator("#key-error")).to_have_text(
            "This server wants an API key. Type it here and press Tag again."
        )
        expect(field).to_be_focused()
        field.fill("wrong")
        field.press("Enter")
        expect(page.locator("#key-error")).to_have_text("The API key is not valid.")
        field.fill(KEY)
        press_tag(page)
        expect(page.locator("#above li, #below li")).to_have_count(4)
        expect(page.locator("#key-error")).to_be_empty()
        assert '-H "Authorization: Bearer $NLI_TAGGER_API_KEY"' in call(page)
        assert KEY not in call(page) + page.url + page.content()
        assert page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])") == '[{},{},""]'
        assert len(json.loads(run(call(page), NLI_TAGGER_API_KEY=KEY))["labels"]) == len(bars(page, "above"))
        page.reload()
        expect(field).to_have_value("")
        assert (field.get_attribute("type"), field.get_attribute("autocomplete")) == ("password", "off")


def test_a_key_that_may_not_is_explained_beside_the_key(page):
    page.route("**/v1/tag", lambda route: route.fulfill(status=403, json={"detail": "This key may not."}))
    press_tag(page)
    expect(page.locator("#key-error")).to_have_text("This key may not.")
    expect(page.locator("#key")).to_be_focused()


def test_a_key_that_no_header_can_hold_is_refused_in_words(page):
    page.get_by_text("API key", exact=True).click()
    page.locator("#key").fill("schlüssel…")
    page.get_by_role("button", name="Tag", exact=True).click()
    expect(page.locator("#key-error")).to_have_text("The key has characters that a browser cannot send.")


# The call


def test_the_call_answers_as_the_page_does(page):
    press_tag(page)
    answer = json.loads(run(call(page)))
    assert {tag["label"]: tag["confidence"] for tag in answer["labels"]} == bars(page, "above")
    move_threshold(page, 0)
    answer = json.loads(run(call(page)))
    assert {tag["label"]: tag["confidence"] for tag in answer["labels"]} == bars(page, "below") | bars(page, "above")


def test_the_call_means_what_was_typed_whatever_it_is(page, server):
    names = ["it's", '"$HOME"', "`id`", "a\\b", "日本 🎉", "__proto__", "42"]
    descriptions = {"it's": "what's 'it'?", "__proto__": "$(id)", "42": "!!"}
    fill(page, NASTY, names, descriptions, "shop's message")
    move_threshold(page, 0)
    expected = {
        "text": NASTY,
        "labels": names,
        "descriptions": descriptions,
        "text_type": "shop's message",
        "threshold": 0,
    }
    assert body_sent(call(page)) == expected
    assert json.loads(run(call(page)))["labels"] == server.tag(**expected).json()["labels"]


def test_the_call_shows_no_character_that_a_terminal_obeys(page):
    fill(page, NASTY, ["a"])
    assert [character for character in call(page) if not character.isprintable() and character != "\n"] == []


def test_no_key_is_in_the_call_when_none_was_typed(page):
    assert "Authorization" not in call(page)


def test_a_text_too_long_for_an_argument_is_copied_whole(visit, server):
    text = "It's late. " * 20_000
    with visit(server.url, permissions=["clipboard-read", "clipboard-write"]) as page:
        page.get_by_label("Text", exact=True).fill(text)
        assert len(call(page)) < 25_000
        page.get_by_role("button", name="Copy").click()
        expect(page.locator("#copied")).to_have_text("Copied.")
        copied = page.evaluate("navigator.clipboard.readText()")
    assert body_sent(copied) == {"text": text, "labels": NEWS_LABELS, "threshold": 0.5}


@pytest.mark.parametrize("without", ["", "Object.defineProperty(navigator, 'clipboard', { value: undefined })"])
def test_the_call_is_copied_with_and_without_the_clipboard_interface(visit, server, without):
    with visit(server.url, without, permissions=["clipboard-read", "clipboard-write"]) as page:
        expected = call(page)
        page.get_by_role("button", name="Copy").click()
        expect(page.locator("#copied")).to_have_text("Copied.")
        expect(page.get_by_role("button", name="Copy")).to_be_focused()
        page.get_by_label("Text", exact=True).fill("")
        page.get_by_label("Text", exact=True).press("Control+v")
        expect(page.get_by_label("Text", exact=True)).to_have_value(expected)


def test_a_refused_clipboard_is_admitted(visit, server):
    refused = "navigator.clipboard.writeText = () => Promise.reject(new Error('no'))"
    with visit(server.url, refused) as page:
        page.get_by_role("button", name="Copy").click()
        expect(page.locator("#copied")).to_contain_text("copy it yourself")


# Looks and access


def test_hostile_words_are_shown_and_never_run(page):
    name = HOSTILE[:48]
    fill(page, HOSTILE, [name, "a"], {name: HOSTILE}, HOSTILE)
    press_tag(page)
    expect(page.locator("#above li, #below li")).to_have_count(2)
    assert name in bars(page, "above") | bars(page, "below")
    label(page, 2).fill(name)
    press_tag(page)
    expect(page.locator("#labels-error")).to_contain_text("<img src=x onerror=")
    assert page.title() == "NLI Tagger"
    assert page.locator("main img, main script, body > img").count() == 0


def test_light_and_dark_both_read_well(visit, server):
    grounds = {}
    with visit(server.url) as page:
        press_tag(page)
        page.locator("#key-details summary").click()
        label(page, 1).fill("finance")
        press_tag(page)
        expect(page.locator("#labels-error")).not_to_be_empty()
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            grounds[scheme] = page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert [(name, ratio) for name, ratio in page.evaluate(CONTRASTS) if ratio < 4.5] == []
    assert grounds["light"] != grounds["dark"]


@pytest.mark.parametrize("width", [320, 600, 900, 1600])
def test_nothing_is_wider_than_the_window(visit, server, width):
    with visit(server.url, viewport={"width": width, "height": 640}) as page:
        fill(page, "long" * 100, ["x" * 100, "short"], {"short": "y" * 60})
        page.locator("#key-details summary").click()
        press_tag(page)
        expect(page.locator("#above li, #below li")).to_have_count(2)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("document.activeElement.id") == "tag"


def test_everything_that_can_be_operated_has_a_name(page):
    press_tag(page)
    page.locator("#key-details summary").click()
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    named = [
        (node["role"]["value"], node["name"]["value"]) for node in tree if not node["ignored"] and node.get("name")
    ]
    operated = [
        (role, name) for role, name in named if role in ("button", "textbox", "slider", "link", "DisclosureTriangle")
    ]
    assert len(operated) > 20
    assert [role for role, name in operated if not name.strip()] == []
    names = [name for _, name in operated]
    assert len(set(names)) == len(names)
    assert {"banner", "main", "navigation", "form", "region"} <= {
        node["role"]["value"] for node in tree if not node["ignored"]
    }


def test_the_bars_are_a_list_of_words(page):
    press_tag(page)
    [(name, confidence), *_] = bars(page, "above").items()
    items = page.get_by_role("list", name="Labels that apply").get_by_role("listitem")
    assert items.first.inner_text().split("\n") == [name, f"{confidence:.4f}"]


def test_ids_are_unique_and_references_lead_somewhere(page):
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(element => element.id)")
    assert len(set(ids)) == len(ids)
    referring = "[...document.querySelectorAll('[for], [aria-labelledby], [aria-describedby]')]"
    values = page.evaluate(
        f"{referring}.flatMap(e => ['for', 'aria-labelledby', 'aria-describedby'].map(a => e.getAttribute(a)))"
    )
    assert {name for value in values if value for name in value.split()} <= set(ids)


@pytest.mark.parametrize(("motion", "moving"), [("reduce", 0), ("no-preference", 4)])
def test_bars_grow_only_for_those_who_like_movement(visit, server, motion, moving):
    count = "Element.prototype.animate = function () { window.moved = (window.moved ?? 0) + 1; }"
    with visit(server.url, count, reduced_motion=motion) as page:
        press_tag(page)
        expect(page.locator("#above li, #below li")).to_have_count(4)
        assert page.evaluate("window.moved ?? 0") == moving
