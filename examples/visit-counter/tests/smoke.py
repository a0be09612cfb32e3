"""Visit the running service and see that it counts."""

import sys
import time
import urllib.error
import urllib.request


def visit(address: str) -> int:
    with urllib.request.urlopen(address, timeout=10) as answer:
        return int(answer.read())


def wait_for(address: str, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            visit(address)
            return
        except urllib.error.URLError:
            time.sleep(0.1)
    sys.exit(f"nothing answers at {address}")


if __name__ == "__main__":
    base = sys.argv[1]
    wait_for(f"{base}/ready")
    first, second = visit(f"{base}/home"), visit(f"{base}/home")
    assert second == first + 1, (first, second)
    print(f"the service counts: {first}, {second}")
