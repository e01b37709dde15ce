import asyncio
import collections
import json
import ssl
import sys
import time

import aioapns.connection
from aioapns import APNs, NotificationRequest, PushType

with open(sys.argv[1]) as file:
    order = json.load(file)
aioapns.connection.APNsProductionClientProtocol.APNS_SERVER = order["host"]
aioapns.connection.APNsProductionClientProtocol.APNS_PORT = order["port"]
context = ssl.create_default_context(cafile=order["ca"])
context.set_alpn_protocols(["h2"])

# it waits for ever for an answer that does not come
LIMIT_SECONDS = 120


async def send(apns, token):
    request = NotificationRequest(
        device_token=token,
        message={"aps": {"alert": "aioapns"}},
        push_type=PushType.ALERT,
    )
    try:
        result = await asyncio.wait_for(apns.send_notification(request), LIMIT_SECONDS)
    except Exception as fault:
        return type(fault).__name__
    return f"{result.status} {result.description or ''}".strip()


async def main():
    with open(order["key"]) as file:
        key = file.read()
    apns = APNs(
        key=key,
        key_id=order["keyId"],
        team_id=order["teamId"],
        topic=order["topic"],
        ssl_context=context,
    )
    started = time.monotonic()
    answers = await asyncio.gather(*(send(apns, token) for token in order["tokens"]))
    milliseconds = round((time.monotonic() - started) * 1000)
    print(json.dumps({"answers": collections.Counter(answers), "milliseconds": milliseconds}))


asyncio.run(main())
