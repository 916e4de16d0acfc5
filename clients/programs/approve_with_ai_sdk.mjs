// The Vercel AI SDK, whose caller keeps the messages and answers approvals.
import { appendFileSync } from "node:fs";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const given = JSON.parse(process.argv[2]);
const model = createOpenAI({ baseURL: `${given.url}/v1`, apiKey: given.key }).responses(given.model);
const providerOptions = { openai: { store: given.replays !== true } };

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

async function answer(messages) {
  const asked = { model, tools, messages, providerOptions, stopWhen: stepCountIs(5) };
  if (!given.stream) return await generateText(asked);
  let failed = null;
  const result = streamText({ ...asked, onError: ({ error }) => { failed = error; } });
  await result.consumeStream();
  if (failed) throw failed;
  const [text, content, response] = await Promise.all([result.text, result.content, result.response]);
  return { text, content, response };
}

async function takeTurn(messages, prompt) {
  messages.push({ role: "user", content: prompt });
  try {
    for (;;) {
      const result = await answer(messages);
      messages.push(...result.response.messages);
      const asked = result.content.filter((part) => part.type === "tool-approval-request");
      if (asked.length === 0) {
        console.log(JSON.stringify({ text: result.text, error: null }));
        return;
      }
      messages.push({
        role: "tool",
        content: asked.map(({ approvalId }) => ({ type: "tool-approval-response", approvalId, approved: given.approve, providerExecuted: true })),
      });
    }
  } catch (error) {
    console.log(JSON.stringify({ text: "", error: `${error.name}: ${error.message}` }));
  }
}

for (const prompts of given.conversations) {
  const messages = [];
  for (const prompt of prompts) await takeTurn(messages, prompt);
}
