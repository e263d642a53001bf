// What a JavaScript program does with the official SDK; prints one JSON line that the test reads.
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: process.env.API_KEY, maxRetries: 0 });
const ask = (content, more = {}) => ({ model: "chat", messages: [{ role: "user", content }], ...more });
const told = {};

told.models = (await client.models.list()).data.map((model) => model.id);
const first = await client.chat.completions.create(ask("My name is Ada", { user: "js-user" }));
told.first = first.choices[0].message.content;
told.usage = first.usage.total_tokens === first.usage.prompt_tokens + first.usage.completion_tokens;

told.streamed = "";
const stream = await client.chat.completions.create(
  ask("What is my name?", { user: "js-user", stream: true, stream_options: { include_usage: true } }),
);
for await (const chunk of stream) {
  told.streamed += chunk.choices[0]?.delta?.content ?? "";
  told.reason = chunk.choices[0]?.finish_reason ?? told.reason;
  told.streamUsage = chunk.usage?.total_tokens > 0 || told.streamUsage === true;
}

const runner = client.chat.completions.stream(ask("What is my name?", { user: "js-user" }));
told.helper = await runner.finalContent();

for (const [name, parameters] of [["unknown", { model: "gpt-none" }], ["many", { n: 2 }]]) {
  try {
    await client.chat.completions.create({ ...ask("hello"), ...parameters });
  } catch (error) {
    told[name] = { kind: error.constructor.name, status: error.status, code: error.code, param: error.param };
  }
}
try {
  await new OpenAI({ baseURL: process.env.BASE_URL, apiKey: "wrong", maxRetries: 0 }).models.list();
} catch (error) {
  told.key = { kind: error.constructor.name, status: error.status, type: error.type };
}
console.log(JSON.stringify(told));
