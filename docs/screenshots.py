"""Photographs a report of a real failing check: `python docs/screenshots.py` writes docs/images/report-*.png.

The check is that of docs/how-to/read-a-report.md: softmax without the rank-1 term of its Jacobian. Needs Playwright and
a Chromium on the path, and says so where one is missing.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from oracles import Layer, check_layer
from reference import softmax

IMAGES = Path(__file__).parent / "images"
SCHEMES: dict[str, dict[str, object]] = {
    "wide": {"viewport": {"width": 1100, "height": 900}},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
    "dark": {"viewport": {"width": 1100, "height": 900}, "color_scheme": "dark"},
}


def my_softmax(x):
    return softmax(x)


def my_softmax_vjp(cotangent, inputs):
    return cotangent * softmax(inputs)


def main() -> int:
    """Write the pictures; 0, and a line that says why, where there is no browser."""
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        print("skipped: Playwright is not installed; install it with: pip install playwright")
        return 0
    browsers = map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))
    executable = next(filter(None, browsers), None)
    if executable is None:
        print("skipped: no Chromium on the path")
        return 0
    report = check_layer(Layer("softmax", forward=my_softmax, vjp=my_softmax_vjp), max_examples=30, seed=1)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "report.html"
        report.to_html(file)
        # the sandbox needs a user of its own; the page is ours
        root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=executable, args=root)
        for name, scheme in SCHEMES.items():
            context = browser.new_context(**scheme)  # type: ignore[arg-type]  # options by name
            page = context.new_page()
            page.goto(file.as_uri())
            page.screenshot(path=IMAGES / f"report-{name}.png")
            print(f"report-{name}.png: {(IMAGES / f'report-{name}.png').stat().st_size // 1000} kB")
            context.close()
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
