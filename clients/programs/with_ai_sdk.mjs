// Two turns of the Vercel AI SDK, whose caller keeps the messages.
import { appendFileSync } from "node:fs";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const given = JSON.parse(process.argv[2]);
const openai = createOpenAI({ baseURL: `${given.url}/v1`, apiKey: given.key });
const anthropic = createAnthropic({ baseURL: `${given.url}/v1`, apiKey: given.key });
const model = {
  chat: () => openai.chat(given.model),
  responses: () => openai.responses(given.model),
  messages: () => anthropic(given.model),
}[given.format]();

function ours(name, description) {
  const execute = async ({ order }) => {
    appendFileSync("ran.txt", `${name} ${order}\n`);
    return `${order} was done by ${name}`;
  };
  return tool({ description, inputSchema: z.object({ order: z.string() }), execute });
}
const tools = {
  look_up: ours("look_up", "Look an order up."),
  refund: ours("refund", "Give the money of an order back."),
  wipe: ours("wipe", "Delete an order."),
};

async function takeTurn(messages, prompt) {
  messages.push({ role: "user", content: prompt });
  let failed = null;
  let text = "";
  try {
    const asked = { model, tools, messages, stopWhen: stepCountIs(5) };
    if (given.stream) {
      const result = streamText({ ...asked, onError: ({ error }) => { failed = error; } });
      for await (const piece of result.textStream) text += piece;
      if (!failed) messages.push(...(await result.response).messages);
    } else {
      const result = await generateText(asked);
      text = result.text;
      messages.push(...result.response.messages);
    }
  } catch (error) {
    failed = failed ?? error;
  }
  const told = failed?.message ?? JSON.stringify(failed);
  console.log(JSON.stringify({ text, error: failed ? `${failed.name}: ${told}` : null }));
}

for (const prompts of given.conversations) {
  const messages = [];
  for (const prompt of prompts) await takeTurn(messages, prompt);
}
