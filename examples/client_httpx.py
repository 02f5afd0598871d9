"""A client of the service with httpx: .venv/bin/python examples/client_httpx.py [ADDRESS]

Needs a running service (scripts/serve). Writes blurred.png into the current folder.
"""

import sys
import time
from pathlib import Path

import httpx

IMAGES = Path(__file__).resolve().parent / "images"
TRIES = 5


def post_files(client: httpx.Client, path: str, *files: Path, **parameters: str | float) -> httpx.Response:
    """Send image files. A full queue (503) is tried again; any other error raises RuntimeError."""
    form = [("file", (file.name, file.read_bytes())) for file in files]
    for attempt in range(1, TRIES + 1):
        response = client.post(path, files=form, params=parameters)
        if response.status_code != 503 or attempt == TRIES:
            break
        time.sleep(float(response.headers.get("Retry-After", 1)))
    if response.is_error:
        problem = response.json()  # application/problem+json: what is wrong, the limit and the remedy
        raise RuntimeError(f"{response.status_code} {problem['title']}: {problem['detail']}")
    return response


def main() -> None:
    address = sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8000"
    with httpx.Client(base_url=address, timeout=60) as client:
        blurred = post_files(client, "/filter/gaussian", IMAGES / "house.png", sigma=3, border="reflect")
        Path("blurred.png").write_bytes(blurred.content)

        for name in ("seven.jpg", "blank.jpg"):
            answer = post_files(client, "/classify", IMAGES / name).json()
            print(
                f"{name}: verdict {answer['verdict']}, digit {answer['digit']}, confidence {answer['confidence']:.3f}"
            )

        page = post_files(client, "/read", IMAGES / "numbers.jpg").json()
        print(page["text"])

        try:
            post_files(client, "/filter/gaussian", IMAGES / "house.png", sigma=500)
        except RuntimeError as error:
            print(error)


if __name__ == "__main__":
    main()
