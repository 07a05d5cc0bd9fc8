"""An agent without a language model: it does by fixed turns what the prompt `broker` asks of one.

python docs/examples/agent.py http://127.0.0.1:8000/mcp "需要低温污泥干化设备，含水率降到40%以下"

The server has to be started with GONGXU_SERVE_MCP=true; a key is taken from GONGXU_MCP_KEY. It needs gongxu[mcp].
"""

import asyncio
import os
import sys
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

WORDS = {"met": "满足", "missed": "未达到", "unknown": "未说明", "not_comparable": "不可比"}


async def used(agent: Client, name: str, **arguments: Any) -> dict[str, Any]:
    """Return the structured answer of a tool.

    Raises:
        SystemExit: the tool refuses; its reason is shown.

    """
    result = await agent.call_tool(name, arguments)
    if result.is_error:
        sys.exit(f"{name}: {result.structured_content.get('detail', result.structured_content)}")
    return dict(result.structured_content)


async def advise(agent: Client, need: str) -> list[str]:
    """Return the lines of a recommendation for a stored demand (its id) or a need in free text."""
    stored = need.isascii() and " " not in need
    answer = await used(agent, "recommend", top_k=3, explain="brief", **{"demand_id" if stored else "text": need})
    lines = [answer["verdict"]["text"] if answer["verdict"] else answer["message"]]
    for item in answer["items"]:
        probability = "" if item["probability"] is None else f"，概率 {item['probability']:.0%}"
        lines.append(f"{item['rank']}. {item['id']} {item['title']}{probability}")
        lines += [f"   {reason['text']}" for reason in item["reasons"][:2]]
        if stored:
            checked = await used(agent, "check_requirements", demand_id=need, achievement_id=item["id"])
            lines += [f"   {WORDS[one['status']]}：{one['text']}" for one in checked["requirements"]]
    if stored and not answer["answered"]:
        gaps = await used(agent, "find_gaps", demand_id=need)
        questions = await used(agent, "ask_clarification", demand_id=need)
        lines += [gaps["text"], *(f"可问：{question['text']}" for question in questions["questions"])]
    return lines


async def main(url: str, need: str) -> None:
    """Connect, advise, print."""
    key = os.environ.get("GONGXU_MCP_KEY", "")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        Client(streamable_http_client(url, http_client=http)) as agent,
    ):
        print("\n".join(await advise(agent, need)))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    asyncio.run(main(sys.argv[1], sys.argv[2]))
