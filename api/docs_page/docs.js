// Reads /openapi.json and draws it: every operation with its parameters, body, answers and errors, and a way to try it.
// Nothing is made from text that could hold markup: elements and text nodes only.
"use strict";

const METHODS = ["get", "post", "put", "patch", "delete"];

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const pretty = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));

function resolve(api, schema) {
  const reference = schema && schema.$ref;
  return reference ? reference.split("/").slice(1).reduce((at, part) => at[part], api) : schema || {};
}

function field(api, parameter) {
  const schema = resolve(api, parameter.schema);
  const label = parameter.name + (parameter.required ? " *" : "") + (parameter.in === "path" ? "" : ` (${parameter.in})`);
  const attributes = { name: parameter.name, "data-in": parameter.in, title: parameter.description || "" };
  const input = schema.enum
    ? element("select", attributes, ...["", ...schema.enum].map((value) => element("option", {}, String(value))))
    : element("input", { ...attributes, placeholder: String(parameter.example ?? schema.default ?? (schema.examples || [""])[0]) });
  return element("label", {}, label, input);
}

function address(form, path) {
  const query = new URLSearchParams();
  const headers = {};
  for (const input of form.querySelectorAll("[data-in]")) {
    const value = input.value.trim();
    if (input.dataset.in === "path") path = path.replace(`{${input.name}}`, encodeURIComponent(value || input.placeholder || ""));
    else if (value && input.dataset.in === "query") query.set(input.name, value);
    else if (value) headers[input.name] = value;
  }
  const key = document.getElementById("key").value.trim();
  if (key) headers.Authorization = `Bearer ${key}`;
  return { url: query.size ? `${path}?${query}` : path, headers };
}

async function read(response, output, stop) {
  const head = `${response.status} ${response.statusText}\n`;
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  let text = "";
  stop.addEventListener("abort", () => reader.cancel().catch(() => {}));
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    text += decoder.decode(value, { stream: true });
    output.textContent = head + text.slice(-200000);
  }
  try {
    output.textContent = head + JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    output.textContent = head + text.slice(-200000);
  }
}

function trial(api, method, path, operation) {
  const media = operation.requestBody && operation.requestBody.content["application/json"];
  const output = element("pre", { hidden: true, tabindex: "0", "aria-label": "Answer" });
  const body = media ? element("textarea", { spellcheck: "false", "aria-label": "Body" }, pretty(media.example || {})) : null;
  let running = null;
  const form = element("form", {
    onsubmit: async (event) => {
      event.preventDefault();
      if (running) running.abort();
      running = new AbortController();
      const { url, headers } = address(form, path);
      const request = { method: method.toUpperCase(), headers, signal: running.signal };
      if (body && (body.value.trim() || operation.requestBody.required)) {
        request.body = body.value;
        headers["Content-Type"] = "application/json";
      }
      output.hidden = false;
      output.textContent = "…";
      try {
        await read(await fetch(url, request), output, running.signal);
      } catch (error) {
        output.textContent = error.name === "AbortError" ? "Stopped." : `No answer: ${error.message}`;
      }
    },
  });
  const fields = (operation.parameters || []).map((parameter) => field(api, parameter));
  form.append(
    ...(fields.length ? [element("div", { class: "fields" }, ...fields)] : []),
    ...(body ? [body] : []),
    element("div", { class: "row" }, element("button", { type: "submit" }, "Try it"),
      element("button", { type: "button", onclick: () => running && running.abort() }, "Stop")),
    output,
  );
  return form;
}

function answers(operation) {
  return Object.entries(operation.responses).map(([status, response]) => {
    const shown = Object.entries(response.content || {}).map(([kind, media]) =>
      element("div", {}, element("span", { class: "muted" }, kind), element("pre", {}, pretty(media.example ?? ""))));
    return element("details", { open: status.startsWith("2") }, element("summary", {}, `${status} `,
      element("span", { class: "muted" }, status.startsWith("2") ? "" : response.description)), ...shown);
  });
}

function drawn(api, method, path, operation) {
  const inside = element("div", {});
  const details = element("details", { class: "operation", id: operation.operationId },
    element("summary", {}, element("span", { class: "method" }, method.toUpperCase()), element("code", {}, path), " ",
      element("span", { class: "muted" }, operation.summary)), inside);
  details.dataset.words = [method, path, operation.summary, operation.description, ...Object.keys(operation.responses),
    ...Object.values(operation.responses).map((response) => response.description)].join(" ").toLowerCase();
  details.addEventListener("toggle", () => {
    if (!details.open || inside.firstChild) return;
    if (operation.description) inside.append(element("p", {}, operation.description));
    inside.append(trial(api, method, path, operation), element("h3", {}, "Answers"), ...answers(operation));
  });
  return details;
}

function draw(api) {
  document.getElementById("about").textContent = `${api.info.description} Version ${api.info.version}.`;
  const main = document.getElementById("operations");
  main.replaceChildren(...api.tags.map((tag) => {
    const own = Object.entries(api.paths).flatMap(([path, item]) => METHODS.filter((method) =>
      item[method] && item[method].tags.includes(tag.name)).map((method) => drawn(api, method, path, item[method])));
    return element("section", {}, element("h2", {}, tag.name), element("p", { class: "muted" }, tag.description), ...own);
  }));
  const find = document.getElementById("find");
  find.addEventListener("input", () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const section of main.children) {
      let left = 0;
      for (const each of section.querySelectorAll("details.operation")) {
        each.hidden = !words.every((word) => each.dataset.words.includes(word));
        left += each.hidden ? 0 : 1;
      }
      section.hidden = left === 0;
    }
  });
  if (location.hash) {
    const wanted = document.getElementById(location.hash.slice(1));
    if (wanted) { wanted.open = true; wanted.scrollIntoView(); }
  }
}

fetch("/openapi.json").then((response) => response.json()).then(draw).catch((error) => {
  document.getElementById("operations").textContent = `The description can't be read: ${error.message}`;
});
