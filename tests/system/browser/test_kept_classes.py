"""Classes of the user's own on the page: what the browser keeps, and class files."""

import json
from pathlib import Path

import httpx
import numpy as np
import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from tests.support.class_page import (
    EXAMPLES,
    MOON,
    STAR,
    add_and_train,
    add_images,
    draw_example,
    export,
    find_card,
    read_shares,
    save_examples,
)


def test_work_is_kept_in_the_browser(classes_view: Page, tmp_path: Path) -> None:
    add_and_train(classes_view, tmp_path)
    draw_example(classes_view, MOON, np.random.default_rng(5))
    expect(classes_view.locator("#class-result")).to_have_attribute("data-label", "moon")
    shares = read_shares(classes_view)
    classes_view.get_by_role("link", name="Digits", exact=True).click()
    expect(classes_view.locator("#digits-title")).to_be_visible()
    classes_view.get_by_role("link", name="Your own classes").click()
    assert read_shares(classes_view) == shares
    second = classes_view.context.new_page()  # what another tab adds is not overwritten
    second.goto("/#classes")
    expect(find_card(second, "star").locator("li")).to_have_count(EXAMPLES)
    add_images(second, "star", save_examples(tmp_path, "star", 1, seed=9))
    add_images(classes_view, "moon", save_examples(tmp_path, "moon", 1, seed=9))
    classes_view.reload()
    expect(find_card(classes_view, "star").locator("li")).to_have_count(EXAMPLES + 1)
    expect(find_card(classes_view, "moon").locator("li")).to_have_count(EXAMPLES + 1)
    expect(classes_view.locator("#training-status")).to_contain_text("right")  # trained again, from the same examples
    expect(classes_view.locator("#class-result")).to_have_attribute("data-label", "moon")


def test_browser_that_keeps_nothing_warns(browser: Browser, site: str, tmp_path: Path) -> None:
    with browser.new_context(base_url=site) as context:
        page = context.new_page()
        page.add_init_script("Object.defineProperty(window, 'indexedDB', { value: undefined })")
        page.goto("/#classes")
        expect(page.locator("#classes-not-kept")).to_contain_text("lost when you leave the page")
        add_images(page, "star", save_examples(tmp_path, "star", 1))
        asked: list[str] = []

        def accept(dialog: Dialog) -> None:
            asked.append(dialog.type)
            dialog.accept()

        page.on("dialog", accept)
        page.reload()
        assert asked == ["beforeunload"]


def test_features_are_computed_again_for_another_model(classes_view: Page, tmp_path: Path) -> None:
    """The kept examples have another model's checksum and features."""
    add_and_train(classes_view, tmp_path)
    read = """change => new Promise((resolve) => {
      const open = indexedDB.open("convserve-classes");
      open.onsuccess = () => {
        const store = open.result.transaction("examples", "readwrite").objectStore("examples");
        store.getAll().onsuccess = ({ target: { result } }) => {
          if (change) for (const one of result) store.put({ ...one, weights: "00", features: one.features.fill(0) });
          open.result.close();
          resolve(result.map(({ features, weights }) => [weights, ...features]));
        };
      };
    })"""
    before = classes_view.evaluate(read, False)
    classes_view.evaluate(read, True)
    assert classes_view.evaluate(read, False)[0][:3] == ["00", 0, 0]
    classes_view.reload()
    expect(classes_view.locator("#training-status")).to_contain_text("right")
    after = classes_view.evaluate(read, False)
    assert [one[0] for one in after] == [one[0] for one in before]
    one, other = (np.array([row[1:] for row in rows], float) for rows in (before, after))
    similarities = (one * other).sum(axis=1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)
    assert similarities.min() > 0.999, "the network saw the same, to 256 levels"


def test_imported_classes_replace_those_of_the_training(classes_view: Page, tmp_path: Path) -> None:
    add_and_train(classes_view, tmp_path)
    draw_example(classes_view, STAR, np.random.default_rng(6))
    expect(classes_view.locator("#class-result")).to_have_attribute("data-label", "star")
    shares = read_shares(classes_view)
    file = export(classes_view, tmp_path / "own.json")
    renamed = json.loads(file.read_bytes()) | {"labels": ["sun", "sickle"]}
    (tmp_path / "renamed.json").write_text(json.dumps(renamed))
    classes_view.set_input_files("#import-classes", tmp_path / "renamed.json")
    expect(classes_view.locator("#training-status")).to_contain_text("Classes of renamed.json: sun, sickle.")
    assert list(read_shares(classes_view)) == ["sun", "sickle"]
    assert list(read_shares(classes_view).values()) == pytest.approx(list(shares.values()), abs=1e-4)
    expect(find_card(classes_view, "star").locator("li")).to_have_count(EXAMPLES)  # the examples stay
    classes_view.reload()
    expect(classes_view.locator("#training-status")).to_contain_text("Classes of renamed.json")
    expect(classes_view.locator("#class-result")).to_have_attribute("data-label", "sun")


def test_faulty_class_files_are_explained(
    classes_view: Page, api: httpx.Client, errors: list[str], tmp_path: Path
) -> None:
    card = api.get("/model").json()
    valid = {
        "format": 1, "model": {name: card[name] for name in ("version", "weights_sha256")},
        "labels": ["a", "b"], "weights": [[0.5] * 1024] * 2, "bias": [0, 1],
    }  # fmt: skip
    faults = {
        "damaged.json": ("{", "is not valid"),
        "twice.json": (json.dumps(valid | {"labels": ["a", "a"]}), "has the label 'a' twice"),
        "short.json": (json.dumps(valid | {"bias": [0]}), "2 rows of weights and 1 biases"),
        "other.json": (
            json.dumps(valid | {"model": {"version": "99", "weights_sha256": "00"}}),
            f"version '99'; this service has '{card['version']}'",
        ),
    }
    for name, (content, message) in faults.items():
        (tmp_path / name).write_text(content)
        classes_view.set_input_files("#import-classes", tmp_path / name)
        expect(classes_view.locator("#class-head-error")).to_contain_text(message)
        expect(classes_view.locator("#class-head-error")).to_contain_text(f"{name}: ")
        expect(classes_view.locator("#export-classes")).to_be_disabled()
    (tmp_path / "right.json").write_text(json.dumps(valid))
    classes_view.set_input_files("#import-classes", tmp_path / "right.json")
    expect(classes_view.locator("#training-status")).to_contain_text("Classes of right.json: a, b.")
    expect(classes_view.locator("#class-head-error")).to_be_empty()
    errors.clear()  # the browser logs each 422
