"""Rust: Cargo."""

from __future__ import annotations

from steersman.core.detecting.base import Run, Sight, Stack, found

READ = ("Cargo.toml", "rust-toolchain.toml", "rust-toolchain")
SIGNS = ("Cargo.toml",)
_NEWEST = "1"
_OUTPUT = 'find target/release -maxdepth 1 -type f -perm -u+x -exec cp {} "$WERCKER_OUTPUT_DIR" \\;'


def detect(sight: Sight) -> Stack | None:
    """Return what Rust needs here."""
    if not sight.has("Cargo.toml"):
        return None
    version, why = _version(sight)
    lock = sight.has("Cargo.lock")
    locked = " --locked" if lock else ""
    kept = 'export CARGO_HOME="$WERCKER_CACHE_DIR/cargo"\n'
    return Stack(
        key="rust",
        title="Rust",
        because="Cargo.toml",
        image=f"rust:{version}",
        image_because=why,
        runs=(
            Run("test", f"{kept}cargo test{locked}", "Cargo.toml"),
            Run("build", f"cargo build --release{locked}\n{_OUTPUT}", lock or "Cargo.toml"),
        ),
    )


def _version(sight: Sight) -> tuple[str, str]:
    for file in ("rust-toolchain.toml", "rust-toolchain"):
        text = sight.text(file)
        if named := found(r"^(?:\s*channel\s*=\s*['\"])?(\d+\.\d+(?:\.\d+)?)", text):
            return named, f"{file} names it"
    return _NEWEST, "nothing names a version"
