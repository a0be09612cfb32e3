"""What is told of a repository from its names, and the pipeline file that is written for it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from steersman import pipeline_file
from steersman.core import detecting
from steersman.core.detecting import Answer, Sight
from steersman.core.pipelines.model import Box, Config, Pipeline
from steersman.core.problems import Problem

PACKAGE = (
    '{"scripts": {"test": "jest", "build": "vite build"}, "dependencies": {"vite": "5", "pg": "8"}}'
)
POM = "<project><properties><java.version>11</java.version></properties></project>"
REPOSITORIES: dict[str, Mapping[str, str]] = {
    "nothing": {"README": ""},
    "pip": {"requirements.txt": "flask\nredis\n", "tests/test_app.py": ""},
    "poetry": {"pyproject.toml": '[tool.poetry.dependencies]\npython = "<3.11"\npytest = "8"\n'},
    "uv": {"pyproject.toml": '[project]\nname = "x"\n', "uv.lock": "", "x/__init__.py": ""},
    "django": {"manage.py": "", "requirements.txt": "django\npsycopg2\n"},
    "npm": {"package.json": PACKAGE, "package-lock.json": "{}", ".nvmrc": "v20.1.0\n"},
    "yarn": {"package.json": '{"engines": {"node": ">=18"}}', "yarn.lock": ""},
    "pnpm": {"package.json": '{"packageManager": "pnpm@9.1.0"}'},
    "bun": {"package.json": "{}", "bun.lock": ""},
    "broken package": {"package.json": "{"},
    "odd package": {"package.json": '{"scripts": [], "engines": 3, "dependencies": "x"}'},
    "go": {"go.mod": "module x\n\ngo 1.22.1\n\nrequire github.com/lib/pq v1.2.3\n", "main.go": ""},
    "old go module": {"go.mod": "module x\n\ngo 1.13\n"},
    "go without modules": {"main.go": "", "main_test.go": ""},
    "ruby": {"Gemfile": 'gem "rspec"\n', ".ruby-version": "3.1.4\n", "spec/a_spec.rb": ""},
    "rails": {"Gemfile": "gem 'rails'\ngem 'mysql2'\n", "db/schema.rb": "", "test/a_test.rb": ""},
    "minitest": {"Gemfile": "ruby '2.7.8'\n", "test/test_a.rb": ""},
    "maven": {"pom.xml": POM},
    "maven wrapper": {"pom.xml": POM, "mvnw": ""},
    "gradle": {"build.gradle": "sourceCompatibility = '1.8'\n", "gradlew": ""},
    "old gradle": {
        "build.gradle": "",
        "gradle/wrapper/gradle-wrapper.properties": "distributionUrl=x/gradle-6.9-bin.zip",
    },
    "kotlin": {"build.gradle.kts": "kotlin { jvmToolchain(17) }"},
    "php": {"composer.json": '{"require": {"php": "^7.4"}}', "phpunit.xml.dist": ""},
    "new php": {"composer.json": '{"require": {"php": ">=8.4"}, "scripts": {"test": "pest"}}'},
    "rust": {"Cargo.toml": "", "Cargo.lock": "", "rust-toolchain.toml": 'channel = "1.75"'},
    "hugo": {"hugo.toml": "", "content/a.md": ""},
    "jekyll": {"_config.yml": "", "Gemfile": 'gem "jekyll"\n'},
    "jekyll without a Gemfile": {"_config.yml": "", "_posts/a.md": ""},
    "mkdocs": {"mkdocs.yml": "", "docs/index.md": ""},
    "pages": {"index.html": "", "style.css": ""},
    "two languages": {"Gemfile": "gem 'rails'\n", "package.json": PACKAGE},
    "projects below": {"api/go.mod": "", "web/package.json": PACKAGE, "docs/index.html": ""},
}  # fmt: skip
IMAGES = {
    "nothing": "debian:bookworm-slim",
    "pip": "python:3.12",
    "poetry": "python:3.10",
    "npm": "node:20",
    "yarn": "node:22",
    "bun": "oven/bun:1",
    "go": "golang:1.22",
    "old go module": "golang:1",
    "ruby": "ruby:3.1.4",
    "minitest": "ruby:2.7.8",
    "maven": "maven:3-eclipse-temurin-11",
    "maven wrapper": "eclipse-temurin:11",
    "gradle": "eclipse-temurin:8",
    "old gradle": "gradle:8-jdk17",
    "kotlin": "gradle:8-jdk17",
    "php": "php:7.4-cli",
    "new php": "php:8.4-cli",
    "rust": "rust:1.75",
    "pages": "busybox",
}
COMMANDS = {
    "pip": ("pip install -r requirements.txt", "python -m pytest"),
    "poetry": ("poetry install", "poetry run python -m pytest"),
    "uv": ("uv sync --locked",),
    "django": ("python manage.py test",),
    "npm": ("npm ci", "npm test", "npm run build", "cp -R dist/."),
    "yarn": ("yarn install",),
    "pnpm": ("pnpm install",),
    "bun": ("bun install",),
    "broken package": ("npm install",),
    "go": ("go mod download", "go test ./...", "go build -o"),
    "go without modules": ("export GO111MODULE=off",),
    "ruby": ("bundle install", "bundle exec rspec"),
    "rails": ("db:schema:load", "bundle exec rails test"),
    "maven": ("mvn -B",),
    "maven wrapper": ("sh mvnw -B",),
    "gradle": ("sh gradlew --no-daemon build",),
    "php": ("composer install", "vendor/bin/phpunit"),
    "new php": ("composer test",),
    "rust": ("cargo test --locked", "cargo build --release --locked"),
    "hugo": ("hugo --minify",),
    "jekyll": ("bundle exec jekyll build",),
    "jekyll without a Gemfile": ("gem install", "jekyll build"),
    "mkdocs": ("mkdocs build",),
}
SERVICES = {
    "pip": ["redis:7"], "django": ["postgres:16"], "npm": ["postgres:16"],
    "go": ["postgres:16"], "rails": ["mysql:8"], "pages": [],
}  # fmt: skip


def detected(files: Mapping[str, str], address: str = "") -> Answer:
    return detecting.detect(Sight(frozenset(files), files, address))


def config(answer: Answer) -> Config:
    """Read the file that was written, in which nothing may be wrong."""
    parsed = pipeline_file.parse(answer.text, "wercker.yml")
    assert parsed.problems == (), answer.text
    return parsed.checked()


def build(name: str) -> Pipeline:
    return config(detected(REPOSITORIES[name])).pipelines["build"]


def box(pipeline: Pipeline) -> Box:
    assert pipeline.box is not None
    return pipeline.box


def codes(pipeline: Pipeline) -> str:
    return "\n".join(step.properties["code"] for step in pipeline.steps)


@pytest.mark.parametrize("name", REPOSITORIES)
def test_each_file_that_is_written_has_a_build_and_nothing_wrong(name: str) -> None:
    assert codes(build(name)).strip()


@pytest.mark.parametrize("name", REPOSITORIES)
def test_what_steps_do_is_valid_for_any_shell(name: str) -> None:
    for pipeline in config(detected(REPOSITORIES[name])).pipelines.values():
        shell = [shutil.which("sh") or "sh", "-n"]
        done = subprocess.run(
            shell, input=codes(pipeline), text=True, capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("name", "image"), IMAGES.items())
def test_the_image_has_the_version_that_the_project_asks_for(name: str, image: str) -> None:
    assert box(build(name)).id == image


@pytest.mark.parametrize(("name", "commands"), COMMANDS.items())
def test_the_tools_of_the_project_install_and_test_it(name: str, commands: tuple[str, ...]) -> None:
    done = codes(build(name))
    assert [command for command in commands if command not in done] == []


@pytest.mark.parametrize(("name", "images"), SERVICES.items())
def test_libraries_of_databases_bring_their_service(name: str, images: list[str]) -> None:
    assert [service.id for service in build(name).services] == images


def test_the_box_is_told_where_its_database_is() -> None:
    assert dict(box(build("django")).env)["DATABASE_URL"].startswith("postgres://postgres:test@")
    assert dict(box(build("rails")).env)["DATABASE_URL"].startswith("mysql2://")


def test_a_second_language_gets_a_pipeline_of_its_own() -> None:
    found = config(detected(REPOSITORIES["two languages"]))
    assert list(found.pipelines) == ["build", "node"]
    assert [node.name for node in found.workflows[0].pipelines] == ["build", "node"]


def test_projects_in_folders_are_built_there_and_those_of_the_docs_are_not() -> None:
    found = config(detected(REPOSITORIES["projects below"]))
    assert list(found.pipelines) == ["build", "web"]
    assert {step.cwd for step in found.pipelines["web"].steps} == {"web"}


def test_a_project_with_gopath_stands_where_go_looks_for_it() -> None:
    found = detected(REPOSITORIES["go without modules"], "github.com/ada/shop")
    assert config(found).pipelines["build"].base_path == "/go/src/github.com/ada/shop"
    odd = detected(REPOSITORIES["go without modules"], "host:22/ada/../shop")
    assert config(odd).pipelines["build"].base_path == "/go/src/example.org/project"


def test_every_part_has_a_reason() -> None:
    notes = detected(REPOSITORIES["npm"]).notes
    assert ("image node:20", ".nvmrc names it") in notes
    assert ("service postgres:16", "package.json names pg") in notes
    assert all(because for _, because in notes)


def test_settings_of_a_tool_make_no_python_project() -> None:
    files = {"pyproject.toml": "[tool.black]\n", "go.mod": "module x\n"}
    assert detected(files).stacks == ("Go",)


NAMES = st.lists(
    st.one_of(
        st.sampled_from([name for files in REPOSITORIES.values() for name in files]),
        st.text(st.characters(exclude_characters="\0/"), min_size=1, max_size=12),
    ),
    min_size=1,
    max_size=4,
).map("/".join)


@example({"a/package.json": PACKAGE, "x-y/package.json": PACKAGE})
@settings(max_examples=max(25, settings().max_examples // 6))
@given(st.dictionaries(NAMES, st.one_of(st.text(), st.sampled_from([PACKAGE, POM])), max_size=6))
def test_no_names_and_no_contents_make_a_file_that_is_wrong(files: dict[str, str]) -> None:
    found: list[Problem] = list(pipeline_file.parse(detected(files).text, "wercker.yml").problems)
    assert found == []
