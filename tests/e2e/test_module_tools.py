"""`gantry module`: a project for a new module that builds and passes its test, and what a module says of itself."""

import json
import os
import shutil
import subprocess

import pytest

from support.gantry import ROOT, binary

SDK = ROOT / "plugins-sdk" / "cmake"


def module(*arguments, cwd=None, status=0):
    done = subprocess.run([binary(), "module", *map(str, arguments)], cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stdout + done.stderr
    assert "Sanitizer" not in done.stderr
    return done


def build(folder):
    """Configures, builds and tests a project as its README says."""
    for command in (
        ["cmake", "-S", ".", "-B", "build", "-G", "Ninja", f"-DGantrySDK_DIR={SDK}", "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_C_FLAGS=-Werror", "-DCMAKE_CXX_FLAGS=-Werror"],
        ["cmake", "--build", "build", "-j", "2"],
        ["ctest", "--test-dir", "build", "--output-on-failure", "--no-tests=error"],
    ):
        done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=200)
        assert done.returncode == 0, " ".join(command) + "\n" + done.stdout + done.stderr


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A module in C++, built."""
    folder = tmp_path_factory.mktemp("new")
    module("new", "my-tea", cwd=folder)
    build(folder / "gantry-my-tea")
    return folder / "gantry-my-tea"


def test_a_new_module_in_c_builds_and_passes_its_test(tmp_path):
    said = module("new", "tea", "--lang", "c", "--dir", tmp_path / "deep" / "er")
    assert said.stdout == f"{tmp_path}/deep/er: a module, its test and a configuration to try it with; README.md says how to go on\n"
    folder = tmp_path / "deep" / "er"
    assert sorted(os.listdir(folder)) == [".gitignore", "CMakeLists.txt", "README.md", "gantry.toml", "tea.c", "tea_test.cpp"]
    build(folder)
    assert module("info", folder / "build" / "gantry-tea.so").stdout.startswith("name         tea\n")

    # And its test can fail.
    source = (folder / "tea.c").read_text()
    assert source.count("http->evaluate(exchange, text)") == 1
    (folder / "tea.c").write_text(source.replace("http->evaluate(exchange, text)", 'text == NULL ? GANTRY_BYTES("none") : GANTRY_BYTES("cold")'))
    with pytest.raises(AssertionError, match="cold"):
        build(folder)


def test_info_of_a_module(project):
    path = project / "build" / "gantry-my-tea.so"
    lines = dict(line.split(None, 1) for line in module("info", path).stdout.splitlines())
    assert lines["name"] == "my-tea"
    assert lines["version"] == "0.1.0"
    assert lines["description"] == "Answers with a text."
    assert "libc.so.6" in lines["libraries"].split(", ")
    assert lines["loads"].startswith("yes: gantry ")
    said = json.loads(module("info", path, "--format", "json").stdout)
    assert said["libraries"].count("libc.so.6") == 1
    del said["libraries"]
    abi = lines["abi"]
    assert said == {"name": "my-tea", "version": "0.1.0", "description": "Answers with a text.", "abi": abi, "commands": [], "more": [], "path": str(path), "loads": True, "why_not": None}
    assert module("info", "-q", path).stdout == ""


def test_info_says_why_a_module_would_not_be_loaded(project, tmp_path):
    renamed = tmp_path / "gantry-other.so"
    shutil.copy(project / "build" / "gantry-my-tea.so", renamed)
    why = f"{renamed} is the module my-tea, so its file has to be named gantry-my-tea.so"
    said = module("info", renamed, status=1)
    assert said.stderr == f"gantry: {why}\n"
    assert "\nloads        no: gantry " in said.stdout
    for arguments in (["-q"], ["-q", "--format", "json"]):
        quiet = module("info", *arguments, renamed, status=1)
        assert (quiet.stdout, quiet.stderr) == ("", f"gantry: {why}\n")
    document = json.loads(module("info", renamed, "--format", "json", status=1).stdout)
    assert (document["name"], document["loads"], document["why_not"]) == ("my-tea", False, why)


def test_info_of_a_module_for_a_later_gantry(project, tmp_path):
    """What differs is patched: neither the file nor its manifest is anything that this gantry has a compiler for."""
    bytes_ = (project / "build" / "gantry-my-tea.so").read_bytes()
    assert bytes_.count(b"\nabi=1.") == 1
    (tmp_path / "gantry-my-tea.so").write_bytes(bytes_.replace(b"\nabi=1.", b"\nabi=2."))
    said = module("info", tmp_path / "gantry-my-tea.so", status=1)
    assert f"{tmp_path}/gantry-my-tea.so needs version 2." in said.stderr
    assert "; upgrade gantry, or rebuild the module with the SDK of this gantry\n" in said.stderr


@pytest.mark.parametrize(
    "content, why",
    [
        (None, ": No such file or directory"),
        (b"", " is not an ELF file"),
        (b"#!/bin/sh\n", " is not an ELF file"),
        (b"\x7fELF\x02\x01\x01", " is damaged: it ends within the first header"),
    ],
)
def test_info_of_what_is_no_module(tmp_path, content, why):
    path = tmp_path / "gantry-x.so"
    if content is not None:
        path.write_bytes(content)
    said = module("info", path, status=1)
    assert (said.stdout, said.stderr) == ("", f"gantry: {path}{why}\n")
    assert json.loads(module("info", path, "--format", "json", status=1).stdout) == {"path": str(path), "loads": False, "why_not": f"{path}{why}"}


def test_info_of_a_program_says_that_it_is_no_module():
    assert " is not a gantry module: it has no section .gantry.manifest; " in module("info", binary(), status=1).stderr


def test_nothing_is_overwritten(tmp_path):
    folder = tmp_path / "gantry-tea"
    folder.mkdir()
    (folder / "mine").write_text("precious")
    said = module("new", "tea", cwd=tmp_path, status=1)
    assert said.stderr == "gantry: gantry-tea is not empty, and nothing is overwritten; name another folder by --dir\n"
    assert os.listdir(folder) == ["mine"]
    (tmp_path / "file").write_text("")
    assert "file: " in module("new", "tea", "--dir", "file", cwd=tmp_path, status=1).stderr
    (folder / "mine").unlink()
    assert module("new", "-q", "tea", cwd=tmp_path).stdout == ""
    assert (folder / "tea.cpp").exists()


@pytest.mark.parametrize(
    "name, why",
    [
        ("Tea", "names are made of a-z, 0-9 and -"),
        ("../tea", "names are made of a-z, 0-9 and -"),
        ("a" * 33, "32 characters at most"),
        ("proxy", 'its key would be "proxy", and gantry has one of that name itself'),
    ],
)
def test_names_that_no_module_can_have(tmp_path, name, why):
    said = module("new", name, cwd=tmp_path, status=2)
    assert said.stderr.startswith(f'gantry: no module can be named "{name}": ') and why in said.stderr
    assert os.listdir(tmp_path) == []


def test_new_tells_programs_what_it_wrote(tmp_path):
    said = json.loads(module("new", "tea", "--format", "json", cwd=tmp_path).stdout)
    assert (said["name"], said["folder"]) == ("tea", "gantry-tea")
    assert sorted(said["files"]) == sorted(os.listdir(tmp_path / "gantry-tea"))


def test_a_command_is_wanted():
    assert "subcommand" in module(status=2).stderr
    assert "info" in module("--help").stdout
