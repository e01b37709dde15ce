"""Runs one program of the README of the installed package: readme.py NUMBER URL CODE DIRECTORY."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
import textwrap
import threading
from importlib.metadata import metadata

number, url, code, directory = sys.argv[1:]
readme = metadata("heliograph-device").get_payload()
program = re.findall(r"^```python\n(.*?)^```", readme, re.DOTALL | re.MULTILINE)[int(number)]

ended = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: ended.set())


def keep(topic, payload):
    print(f"{topic}: {payload}", flush=True)


def wait_until_the_program_ends():
    print(f"registered: {known['token']}", flush=True)
    ended.wait()


async def handle(notification):
    keep(notification.topic, notification.payload)


def run_plain():
    exec(program.replace("/var/lib/my-app/heliograph", directory), known)


async def run_async():
    lines = [*program.splitlines(), "    print('registered:', token, flush=True)"]
    lines.append("    await asyncio.to_thread(ended.wait)")
    function = "async def main():\n" + textwrap.indent("\n".join(lines), "    ")
    exec(function, known)
    await known["main"]()


known = {
    "url": url,
    "code": code,
    "directory": directory,
    "keep": keep,
    "handle": handle,
    "wait_until_the_program_ends": wait_until_the_program_ends,
    "asyncio": asyncio,
    "ended": ended,
}
if "await" in program:
    asyncio.run(run_async())
else:
    run_plain()
