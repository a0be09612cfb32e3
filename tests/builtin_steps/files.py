"""Cases of the steps that write files or look at them."""

from __future__ import annotations

from tests.builtin_steps.cases import Case

FILES = [
    Case(
        "writes what is said, and shows nothing of it",
        "create-file",
        {
            "filename": "etc/app/my file",
            "content": "one\\ntwo 100% $HOUSE",
            "hide-from-log": "true",
        },
        env={"HOUSE": "tok-3cret"},
        secrets=("tok-3cret",),
        holds={"source/etc/app/my file": "one\ntwo 100% tok-3cret\n"},
    ),
    Case(
        "does not overwrite unasked",
        "create-file",
        {"filename": "a", "content": "new"},
        files={"a": "old"},
        ends=1,
        says=("a is there already; write `overwrite: true`",),
        holds={"source/a": "old"},
    ),
    Case(
        "overwrites when asked to",
        "create-file",
        {"filename": "a", "content": "new", "overwrite": "true"},
        files={"a": "old"},
        holds={"source/a": "new\n"},
    ),
    Case(
        "names a file for later steps",
        "mktemp",
        {"envvar": "KEY_FILE"},
        then='test -f "$KEY_FILE" && echo "a file"',
        says=("a file",),
    ),
    Case(
        "names a folder for later steps",
        "mktemp",
        {"envvar": "PLACE", "directory": "true"},
        then='test -d "$PLACE" && echo "a folder"',
        says=("a folder",),
    ),
    Case(
        "refuses what is no name",
        "mktemp",
        {"envvar": "A;echo broken"},
        ends=1,
        says=("cannot be the name of a variable",),
    ),
    Case(
        "fills every template",
        "bash-template",
        files={
            "app.template.json": '{"v": "$VERSION", "price": "\\$5", "none": "${NOT_THERE}"}\n',
            "x.conf.template": "${VERSION}-$(echo ran)\n",
        },
        before="VERSION=1.2",
        holds={
            "source/app.json": '{"v": "1.2", "price": "$5", "none": ""}\n',
            "source/x.conf": "1.2-ran\n",
        },
    ),
    Case(
        "writes into a folder",
        "bash-template",
        {"input": "in/*.template", "output": "out"},
        files={"in/a.yml.template": "v: $WERCKER_GIT_BRANCH\n", "out/b": ""},
        holds={"source/out/a.yml": "v: main\n"},
    ),
    Case(
        "writes a file",
        "bash-template",
        {"input": "plain.txt", "output": "filled.txt"},
        files={"plain.txt": "on $WERCKER_GIT_BRANCH\n"},
        holds={"source/filled.txt": "on main\n"},
    ),
    Case("says that nothing matches", "bash-template", ends=1, says=("no file matches",)),
    Case(
        "fills variables in, and runs nothing",
        "appnific/expandenv@0.1.3",
        {"input_file": "in", "output_file": "out"},
        env={"VERSION": "1&2\\3"},
        files={"in": "$VERSION ${VERSION}x $(echo no) $5 ${NOT_THERE}. $\n"},
        holds={"source/out": "1&2\\3 1&2\\3x $(echo no) $5 . $\n"},
    ),
    Case(
        "says which file is not there",
        "expandenv",
        {"input_file": "in", "output_file": "out"},
        ends=1,
        says=("there is no file in",),
    ),
    Case(
        "points at the service",
        "rails-database-yml",
        env={"POSTGRES_PORT_5432_TCP_ADDR": "10.0.0.7", "POSTGRES_ENV_POSTGRES_PASSWORD": 'a"b: #'},
        holds={
            "source/config/database.yml": "test:\n  adapter: postgresql\n  encoding: utf8\n"
            '  host: "10.0.0.7"\n  port: 5432\n  username: "postgres"\n  password: "a\\"b: #"\n'
            '  database: "postgres"\n  min_messages: warning\n'
        },
    ),
    Case(
        "points at what is named",
        "rails-database-yml",
        {"service": "mysql2"},
        env={"MYSQL_ENV_MYSQL_ROOT_PASSWORD": "pw-3cret"},
        holds={
            "source/config/database.yml": "test:\n  adapter: mysql2\n  encoding: utf8\n"
            '  host: "mysql"\n  port: 3306\n  username: "root"\n  password: "pw-3cret"\n'
            '  database: "test"\n'
        },
        secrets=("pw-3cret",),
    ),
    Case("asks for a service", "rails-database-yml", ends=1, says=("below `services`",)),
    Case(
        "finds a step",
        "wercker/validate-wercker-step@0.0.3",
        files={"step.yml": "name: x\nversion: 1.0.0\n", "run.sh": ""},
        says=("step.yml is there",),
    ),
    Case(
        "says what a step lacks",
        "validate-wercker-step",
        files={"wercker-step.yml": "name: x\nversion:\n", "run.sh": ""},
        ends=1,
        says=("wercker-step.yml has no version",),
    ),
]
CASES = FILES
