#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`forkpoint triage --source`: which revision, which files and lines, which commits; and that a
repository can make nothing of its own run."""
import json
import os
import re
import shutil
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from driven import tools_in  # noqa: E402
from forkpoint_test import (  # noqa: E402
    PROGRAM, below, done, equal, forkpoint, has, like, none, run, scratch, skip_all, slurp, spew,
    unlike)

if not shutil.which("git"):
    skip_all("git is not installed")

QUIET = {"PATH": os.environ["PATH"], "HOME": scratch("home"), "GIT_CONFIG_NOSYSTEM": "1",
         "GIT_CONFIG_GLOBAL": os.devnull, "LC_ALL": "C"}
for who in "AUTHOR", "COMMITTER":
    QUIET |= {f"GIT_{who}_NAME": "n", f"GIT_{who}_EMAIL": "n@example.invalid",
              f"GIT_{who}_DATE": "2026-01-01T00:00:00Z"}


def git(where, *args):
    ran = run("git", "-C", where, *args, env=QUIET)
    if ran.status:
        raise RuntimeError(f"git {args}: {ran.err}")
    return ran.out.strip()


def write(where, path, text):
    os.makedirs(os.path.dirname(f"{where}/{path}"), exist_ok=True)
    spew(f"{where}/{path}", text)


def commit(where, message):
    git(where, "add", "-A")
    git(where, "commit", "-q", "--allow-empty", "-m", message)
    return git(where, "rev-parse", "HEAD")


def repository(name, url="https://user:secret@github.com/Owner/proj.git"):
    where = scratch(name)
    git(os.path.dirname(where), "init", "-q", "-b", "main", where)
    if url:
        git(where, "remote", "add", "origin", url)
    return where


def numbered(first, last):
    return "".join(f"// line {n}\n" for n in range(first, last + 1))


CODE = "ddtrace/internal/_threads.cpp"
STACK = "src/_probe/sampler.cc"

repo = repository("proj")
write(repo, CODE, numbered(1, 40))
write(repo, "README", "x\n")
first = commit(repo, "Start of it all (#1)")
git(repo, "tag", "v1.0.0")
write(repo, CODE, numbered(101, 140))
write(repo, STACK, "// of the old\n\nint postfork_child;\n\nvoid\nSampler::clear()\n{\n}\n\n"
      "static void Probe::postfork_child(int x)\n{\n\tSampler::clear();\n}\n")
second = commit(repo, "fix: mend the fork of children (#12) (#34)")
git(repo, "tag", "2.18.0")
write(repo, CODE, numbered(201, 240))
third = commit(repo, "Agile gilded vigilance | <b>")
spew(f"{repo}/README", "y\n")
last = commit(repo, "Hold the GIL while finalizing (#56)")

MODULE = "_probe.cpython-312-x86_64-linux-gnu.so"
FORK = f"""\
0x7f6e81c51fb2 abort libc.so.6+0x2bfb7
0x7f6e81c51fb3 free libc.so.6+0x9bfb7
0x7f6e769d7850 Sampler::clear() {MODULE}+0x4f10
0x7f6e769d7851 Probe::postfork_child(int) {MODULE}+0x4f11
0x7f6e81c51fb4 fork libc.so.6+0xcbfb7
0x7f6e81c53239 os_fork_impl libpython3.12.so.1.0+0x1d2f10
"""
fork = scratch("fork.txt")
spew(fork, FORK)


def report(source, trace=fork, **how):
    return run(PROGRAM, "triage", "--source", source, trace, **how)


def ref(text):
    found = re.search(r"^\*\*Source ref\*\*: (.*)$", text, re.M)
    return found.group(1) if found else ""


# Which revision.
BASE = "https://github.com/Owner/proj"
equal(ref(report(f"{repo}@v1.0.0").out),
      f"[`v1.0.0`]({BASE}/tree/v1.0.0) of Owner/proj (commit {first[:12]}); as given: 'v1.0.0'",
      "the revision that is given counts, verbatim")
equal(ref(report(f"{repo}@{second[:8]}").out),
      f"[`{second[:8]}`]({BASE}/tree/{second[:8]}) of Owner/proj (commit {second[:12]}); "
      f"as given: '{second[:8]}'", "so does a commit")
has(ref(report(f"{repo}@HEAD~1").out), f"[`{third}`]({BASE}/tree/{third})",
    "what is only said in relation to another becomes a commit's number in links")
has(ref(report(repo).out), f"[`main`]({BASE}/tree/main) of Owner/proj (commit {last[:12]}); "
    "the main branch", "a checkout of the main branch is the last resort")
has(ref(report(repo).out), "uncertain", "and marked so")
path = scratch("path.txt")
spew(path, FORK.replace(MODULE, "/venv/proj-2.18.0-py3/" + MODULE))
has(ref(report(repo, path).out), f"[`2.18.0`]({BASE}/tree/2.18.0) of Owner/proj (commit "
    f"{second[:12]}); the tag of the version in a path of the trace: 2.18.0",
    "the version in a path of the trace is a tag")
spew(path, FORK.replace(MODULE, "/venv/ddtrace-1.0.0.dist-info/" + MODULE))
has(ref(report(repo, path).out), "[`v1.0.0`]", "a package at its top names a repository, too")
spew(path, FORK.replace(MODULE, "/venv/numpy-1.0.0.dist-info/" + MODULE))
has(ref(report(repo, path).out), "[`main`]", "another package's version does not count")
spew(path, FORK.replace(MODULE, "/venv/proj-7.7.7/" + MODULE))
out = report(repo, path).out
has(ref(out), "[`main`]", "a tag that is not there is none")
has(out, "there is no tag v7.7.7 or 7.7.7", "which is told")
git(repo, "checkout", "-q", "-b", "topic/x", second)
has(ref(report(repo).out), f"[`{second}`]({BASE}/tree/{second}) of Owner/proj (commit "
    f"{second[:12]}); what is checked out, branch 'topic/x'", "a checkout of another branch counts")
spew(path, FORK.replace(MODULE, "/venv/proj-1.0.0/" + MODULE))
has(ref(report(repo, path).out), "[`v1.0.0`]", "but less than a version in a path")
git(repo, "checkout", "-q", "--detach", first)
has(ref(report(repo).out), "what is checked out, of no branch", "a detached HEAD does")
git(repo, "checkout", "-q", "main")

# Where the frames are.
out = report(f"{repo}@2.18.0").out
has(out, f"### Frame 3: `Probe::postfork_child(int)` ([`{STACK}:10`]({BASE}/blob/2.18.0/{STACK}"
    "#L10))", "a function is found in its module's files, by its definition")
has(out, ">>>         10  static void Probe::postfork_child(int x)   // >>> the function begins <<<",
    "its line is marked")
has(out, f"### Frame 2: `Sampler::clear()` ([`{STACK}:6`]", "so is one whose type is above it")
like(out, r"^ {12}12          Sampler::clear\(\);$", "lines around are shown")
unlike(out, "### Frame [0145]", "libc and CPython are not looked for")
rule = scratch("rule.txt")
spew(rule, FORK.replace(MODULE, "_threads.cpython-312-x86_64-linux-gnu.so"))
out = report(f"{repo}@v1.0.0", rule).out
has(out, f"([`{CODE}`]({BASE}/blob/v1.0.0/{CODE}))", "a known module has its file by a rule")
has(out, "uncertain: the module's file, in which the function was not found",
    "with doubt where the function is not in it")
alone = scratch("alone.txt")
spew(alone, "0x7f6e769d7850 Probe::postfork_child(int)\n0x7f6e769d7851 Sampler::clear()\n")
out = report(f"{repo}@2.18.0", alone).out
has(out, f"[`{STACK}:10`]", "without a module all source is looked through")
has(out, "uncertain: found by the function's name alone", "with doubt")

# What another project, or another repository in this one, calls alike is not this one's file.
alike = repository("alike", url=None)
write(alike, "src/render.c", "/* a */\n/* b */\nvoid task_main(int n)\n{\n\tint i;\n\n\tdraw(n);\n}\n")
commit(alike, "one")
git(alike, "update-index", "--add", "--cacheinfo", f"160000,{first},vendor/png")
git(alike, "commit", "-q", "-m", "a submodule")
PNG = scratch("png.txt")


def frame_zero(path, function):
    spew(PNG, f"#0  0x00007f6e769d7850 in {function} (n=1) at {path}:7\n"
              "#1  0x00007f6e769d7851 in main () at main.c:1\n")
    report_ = report(alike, PNG).out
    told_ = json.loads(run(PROGRAM, "triage", "--json", "--source", alike, PNG).out)["source"]
    return report_, told_


for path in "/build/libpng-1.6/src/render.c", "/a/libpng/src/render.c", "/x/deep/src/render.c":
    out, told = frame_zero(path, "png_read_row")
    equal(told["files"], [], f"{path} of another function is another project's")
    unlike(out, "CRASH POINT|### Frame 0", "and not shown")
    has(" ".join(told["notes"]), f"{path} was not taken for src/render.c", "which is told")
for path in "/build/x-1.6/src/render.c", "/srv/alike/src/render.c", "src/render.c":
    out, told = frame_zero(path, "task_main")
    has(out, "draw(n);   // >>> CRASH POINT <<<", f"{path} is the file if its function is there")
    equal(told["files"][0]["doubt"], None, "without doubt")
for path in "src/render.c", "/srv/alike/src/render.c", "/srv/alike-2.1/src/render.c":
    out, told = frame_zero(path, "png_read_row")
    unlike(out, "CRASH POINT|Nothing of this thread ran further", f"{path}: of another function "
           "the line is no crash point")
    has(told["files"][0]["doubt"] or "", "the function does not seem to stand at this line",
        "and doubted")
for path in "/srv/alike/vendor/png/src/render.c", "vendor/png/src/render.c", \
        "../vendor/png/src/render.c":
    out, told = frame_zero(path, "task_main")
    equal(told["files"], [], f"{path} is the submodule's")
    has(" ".join(told["notes"]), "seems to be of the submodule vendor/png", "which is told")

# What was changed before.
out = report(f"{repo}@2.18.0").out
has(out, f"- [`#34`]({BASE}/pull/34): fix: mend the fork of children (\\#12) (\\#34) — changes "
    f"src/\\_probe/sampler.cc, its message has a word of these: fork, atfork, postfork, prefork "
    f"([`{second[:12]}`]({BASE}/commit/{second}))", "commits are told once, with all reasons")
unlike(out, "#56", "what came after the revision is not")
unlike(out, "pull/1\\)", "nor what has to do with neither file nor word")

# The same for programs.
ran = run(PROGRAM, "triage", "--json", "--source", f"{repo}@2.18.0", fork)
equal(ran.status, 0, "--json with --source") or print(ran.err)
told = json.loads(ran.out)["source"]
equal({key: told[key] for key in ("name", "revision", "commit", "why", "url", "notes")},
      {"name": "Owner/proj", "revision": "2.18.0", "commit": second, "why": "as given: '2.18.0'",
       "url": f"{BASE}/tree/2.18.0", "notes": []}, "says which revision it is, and why")
equal([(f["frame"], f["path"], f["line"], f["by_name"], f["doubt"]) for f in told["files"]],
      [(2, STACK, 6, True, None), (3, STACK, 10, True, None)], "which files and lines")
equal(told["files"][1]["url"], f"{BASE}/blob/2.18.0/{STACK}#L10", "with links")
shown = dict(enumerate(told["files"][1]["lines"], told["files"][1]["first"]))
equal(shown[12], "\tSampler::clear();", "and the code around")
equal([(c["commit"], c["subject"], c["pull_request"], c["pull_request_url"], c["url"])
       for c in told["commits"]],
      [(second, "fix: mend the fork of children (#12) (#34)", "34", f"{BASE}/pull/34",
        f"{BASE}/commit/{second}")], "and which commits and pull requests have to do with it")
equal(json.loads(run(PROGRAM, "triage", "--json", fork).out)["source"], None,
      "without --source it is null")
gil = scratch("gil.txt")
spew(gil, f"0x7f6e81c53239 PyGILState_Ensure libpython3.12.so.1.0+0x1d2f10\n"
     f"0x7f6e769d7851 work {MODULE}+0x4f11\n0x7f6e81c53239 start_thread libc.so.6+0x1d2f10\n")
out = report(repo, gil).out
has(out, "[`#56`]", "words are those of the pattern")
unlike(out, "Agile", "and whole ones")
unlike(out, "secret", "a password in the remote's address is told nowhere")

# Other remotes.
for url, wanted in (
        ("git@github.com:A/b.git", "https://github.com/A/b/tree/v1.0.0"),
        ("ssh://git@github.com:22/A/b.git/", "https://github.com/A/b/tree/v1.0.0"),
        ("git://GitHub.com/A/b", "https://github.com/A/b/tree/v1.0.0"),
        ("https://gitlab.com/A/g/b.git", "https://gitlab.com/A/g/b/-/tree/v1.0.0"),
        ("https://bitbucket.org/A/b", "https://bitbucket.org/A/b/src/v1.0.0"),
        ("https://example.invalid/A/b.git", None), ("https://evilgithub.com/A/b", None),
        ("https://github.com/A/b)](x", None), ("https://github.com/A/../../b", None),
        ("https://github.com/A", None), ("/srv/A/b.git", None), ("../A/b", None),
        ("https://github.com@example.invalid/A/b", None), ("", None)):
    git(repo, "config", "remote.origin.url", url)
    got = re.search(r"\]\((.*?)\) of", ref(report(f"{repo}@v1.0.0").out))
    equal(got and got.group(1), wanted, f"the address of '{url}'")
git(repo, "remote", "remove", "origin")
has(ref(report(f"{repo}@v1.0.0").out), f"`v1.0.0` of proj (commit {first[:12]})",
    "without a remote there is no address")
git(repo, "remote", "add", "elsewhere", "git@github.com:A/b")
has(report(f"{repo}@v1.0.0").out, "https://github.com/A/b/", "any remote is better than none")

# What is no repository, and what is an odd one.
plain = scratch("plain")
os.mkdir(plain)


def refused(source, pattern, what):
    ran = report(source, env={**os.environ, "GIT_CEILING_DIRECTORIES": scratch("")})
    equal((ran.status, ran.out), (2, ""), f"{what}: exit status 2, and no report")
    like(ran.err, pattern, f"{what}: it is told")


refused(scratch("none"), "there is no directory", "no such directory")
refused(f"{repo}@no-such", "there is no revision 'no-such' in", "no such revision")
refused(f"{repo}@--upload-pack=x", "there is no revision '--upload-pack=x'", "an option")
refused(f"{repo}@-h", "there is no revision '-h'", "a short option")
refused(f"{repo}@", "there is no revision ''", "no name at all")
refused(f"{repo}@HEAD:README", "there is no revision", "a file")
if "not a git" in run("git", "-C", plain, "status", env=QUIET).err:
    refused(plain, "is no git repository that can be read: ", "a directory that is none")

empty = repository("empty")
ran = report(empty)
equal(ran.status, 0, "an empty repository: the report is written")
has(ref(ran.out), "none; the repository has no commit that could be looked at", "which says so")
bare = scratch("bare@home.git")
git(repo, "clone", "-q", "--bare", repo, bare)
has(report(f"{bare}@2.18.0").out, f"`{STACK}:10`", "a bare repository is one, whatever its name")
has(report(f"{repo}/src@2.18.0").out, f"`{STACK}:10`", "so is a directory within one")
dashed = scratch("-dash")
shutil.copytree(repo, dashed)
has(run(PROGRAM, "triage", "--source", "-dash@2.18.0", fork, cwd=scratch("")).out,
    f"`{STACK}:10`", "and one whose name begins with a dash")
shallow = scratch("shallow")
git(repo, "clone", "-q", "--depth", "1", f"file://{repo}", shallow)
has(report(shallow).out, "uncertain: the repository is a shallow clone", "a shallow clone is told")
tools = tools_in(scratch("tools"), ["env", "sh"])
ran = report(repo, env={**os.environ, "PATH": tools})
equal(ran.status, 0, "without git the report is written")
like(ran.err, "--source: git is not installed here: the reports have no code", "that is told")
has(ref(ran.out), "none; git is not installed here", "in the report, too")

# What git cannot read.
broken = scratch("broken")
shutil.copytree(repo, broken)
tree = git(broken, "rev-parse", "HEAD^{tree}")
os.chmod(f"{broken}/.git/objects/{tree[:2]}/{tree[2:]}", 0o644)
spew(f"{broken}/.git/objects/{tree[:2]}/{tree[2:]}", "garbage")
ran = report(broken)
equal(ran.status, 0, "a tree that cannot be read: the report is written")
like(ran.err, "--source: not all frames were looked for: git ls-tree failed: ", "and that is told")
code = ran.out.split("## Code Context")[1].split("## Pattern")[0]
has(code, "uncertain: not all frames were looked for in the source: git ls-tree failed",
    "in the report, where its code would be")
unlike(code, "No frame of the crashing thread was found", "in place of a search that found nothing")
equal(run(PROGRAM, "triage", "--source", broken, fork, fork).err.count("ls-tree"), 1,
      "and once for all reports")
stuck = scratch("stuck")
shutil.copytree(repo, stuck)
os.unlink(f"{stuck}/.git/HEAD")
os.mkfifo(f"{stuck}/.git/HEAD")
began = time.monotonic()
ran = report(stuck)
below(time.monotonic() - began, 25, "a repository that never answers is waited for a moment")
has(ran.err, "git did not end within 10 s", "and git is named")

# What a hostile one may try.
evil = repository("evil")
NAMES = ("-x.cc", "a b.cc", "new\nline.cc", "q\"`|<b>.cc", ":(top)m.cc", "*.cc")
for n, name in enumerate(NAMES):
    write(evil, f"_probe/{name}", f"void hostile_{n}(int)\n{{\n\t```\n}}\n")
write(evil, "_probe/binary.cc", "void binary_one(int)\n{\n}\n\0\0\0")
write(evil, "_probe/long.cc", "x();\n" * 1000000 + "void long_one(int)\n{\n}\n")
write(evil, "_probe/wide.cc", "void wide_one(int) /* " + "w" * 1000000 + "\n{\n}\n")
os.symlink("/etc/passwd", f"{evil}/_probe/passwd.cc")
write(evil, ".gitattributes", "*.cc diff=evil filter=evil\n")
commit(evil, "Fork <script>alert(1)</script> | `x` [y](z) \x1b[2J (#x) (#99999999999)")
ran_file = scratch("ran")
script = scratch("script")
spew(script, f"#!/bin/sh\necho \"$0 $*\" >>{ran_file}\ncat\n")
os.chmod(script, 0o755)
for key in ("core.pager", "core.fsmonitor", "core.sshCommand", "core.editor", "core.askPass",
            "core.alternateRefsCommand", "core.gitProxy", "diff.external", "diff.evil.textconv",
            "diff.evil.command", "filter.evil.smudge", "filter.evil.clean", "filter.evil.process",
            "gpg.program", "credential.helper", "pager.log", "pager.grep", "alias.log",
            "alias.cat-file", "uploadpack.packObjectsHook", "sequence.editor"):
    git(evil, "config", key, f"!{script}" if key.startswith("alias") else script)
for key, value in (("log.showSignature", "true"), ("color.ui", "always"), ("core.worktree", "/"),
                   ("grep.lineNumber", "false"), ("grep.column", "true"), ("log.follow", "true"),
                   ("grep.patternType", "perl"), ("log.decorate", "full"), ("format.pretty", "x"),
                   ("core.hooksPath", scratch("hooks")), ("grep.fallbackToNoIndex", "true"),
                   ("core.commentChar", "x"), ("color.grep", "always"),
                   ("log.date", "relative"), ("core.bare", "false"),
                   ("remote.origin.promisor", "true"), ("remote.origin.url", f"ext::{script} %S"),
                   ("extensions.partialClone", "origin"), ("protocol.ext.allow", "always"),
                   ("core.repositoryFormatVersion", "1")):
    git(evil, "config", key, value)
os.mkdir(scratch("hooks"))
for hook in ("post-checkout", "pre-commit", "reference-transaction", "post-index-change"):
    shutil.copy(script, f"{scratch('hooks')}/{hook}")
    shutil.copy(script, f"{evil}/.git/hooks/{hook}")
before = sorted(os.path.join(at, name) for at, _, names in os.walk(evil) for name in names)
HOSTILE = [f"hostile_{n}" for n in range(len(NAMES))]


def stack_of(*names):
    spew(scratch("hostile.txt"), "".join(
        f"0x7f6e769d7850 {name}(int) {MODULE}+0x4f10\n" for name in names) +
         "0x7f6e769d7850 main prog+0x10\n")
    return scratch("hostile.txt")


began = time.monotonic()
variables = {f"GIT_{name}": script for name in ("PAGER", "EXTERNAL_DIFF", "SSH_COMMAND", "EDITOR",
                                                "ASKPASS", "PROXY_COMMAND")}
ran = report(evil, stack_of(*HOSTILE), env={**os.environ, **variables, "GIT_DIR": bare,
                                           "GIT_TRACE": ran_file, "GIT_CONFIG_COUNT": "x"})
equal((ran.status, ran.err), (0, ""), "a hostile repository is read")
equal(slurp(ran_file), "", "and runs nothing")
equal(ran.out.count("### Frame "), len(NAMES), "files are found whatever their names are")
like(ran.out, r"`_probe/-x\.cc:1`", "one that begins with a dash")
like(ran.out, r"`_probe/new line\.cc:1`", "one with a line end, in one line")
has(ran.out, "`` _probe/q\"`|<b>.cc:1 ``", "one with backticks, fenced")
like(ran.out, r"^````cpp$", "code with a fence in it has a longer one")
unlike(ran.out, "<script>", "no HTML of a commit")
unlike(ran.out, "\x1b", "no escape of one")
like(ran.out, r"\\\[y\\\]\(z\)", "and no link")
unlike(ran.out, "pull/", "what is no number is no pull request")
ran = report(evil, stack_of("binary_one", "long_one", "wide_one", "passwd", "root"))
equal(ran.status, 0, "odd files are survived")
like(ran.out, r"^>>>    1000001  void long_one", "one of a million lines is shown where it matters")
unlike(ran.out, r"\.\.\.root:|root:x:", "a link's target is not read")
unlike(ran.out, "Frame 0", "a binary file has no lines to find")
below(max(map(len, ran.out.split("\n"))), 1000, "a long line is cut")
equal(slurp(ran_file), "", "nothing runs then either")
below(time.monotonic() - began, 60, "all that within a minute")
after = sorted(os.path.join(at, name) for at, _, names in os.walk(evil) for name in names)
equal(after, before, "and nothing is written into the repository")

# An object that is to be fetched from elsewhere is missing, and stays so.
lacking = scratch("lacking")
shutil.copytree(evil, lacking, symlinks=True)
blob = git(repo, "hash-object", f"{evil}/_probe/a b.cc")
os.unlink(f"{lacking}/.git/objects/{blob[:2]}/{blob[2:]}")
# With it, git ends before it asks.
git(lacking, "config", "--unset", "core.worktree")
ran = report(lacking, stack_of(*HOSTILE))
equal(ran.status, 0, "a repository that lacks an object is survived")
equal(slurp(ran_file), "", "and no remote is asked for it")
like(ran.out, "uncertain: not all frames were looked for|uncertain: git cat-file failed",
     "what is missing is told")

done()
