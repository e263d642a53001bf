"""The peer of ``benchmarks.serve``: a chat server as the documentation of its parts writes it, and nothing else.

FastAPI and one shared ``ChatOpenAI``, async throughout. No sessions, no history, no errors handled: it keeps nothing.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

app = FastAPI()
model = ChatOpenAI(model="fake", base_url=os.environ["OPENAI_BASE_URL"], api_key="none")
system = SystemMessage("You are a helpful assistant.")


class Chat(BaseModel):
    message: str


@app.post("/chat")
async def chat(body: Chat) -> dict[str, str]:
    reply = await model.ainvoke([system, HumanMessage(body.message)])
    return {"response": str(reply.text)}


@app.post("/chat/stream")
async def stream(body: Chat) -> StreamingResponse:
    async def events() -> AsyncIterator[str]:
        async for chunk in model.astream([system, HumanMessage(body.message)]):
            yield f"data: {chunk.text}\n\n"
        yield "event: done\ndata: {}\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")
