// SPDX-License-Identifier: MIT
//
// node tests/interop/screenshots.mjs: the pictures of tools/web/screenshots, taken anew. HILO names the
// binary, CHROMIUM the browser if it is not in its place. Somebody has to look at them.

import {fileURLToPath} from "node:url";

import {Program, serve, tap} from "./cases.mjs";

const {chromium} = await import("playwright-core");
const folder = fileURLToPath(new URL("../../tools/web/screenshots/", import.meta.url));
const server = await serve();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"],
});

async function shoot(name, {at = server.page, ...options}, body) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  await page.goto(at);
  await body(page);
  // What comes from the server has come when nothing has for a moment.
  await page.waitForTimeout(500);
  await page.screenshot({path: `${folder}${name}.png`, fullPage: true});
  await context.close();
}
async function say(page, text) {
  await page.locator("#connect").click();
  await page.locator("#state[data-state=open]").waitFor();
  await page.locator("#text").fill(text);
  await page.locator("#text").press("Enter");
  await page.locator("#log li[data-direction=received]").waitFor();
  await page.locator("#layers-list .unit[data-layer=message]").nth(1).waitFor();
}
async function open_frame(page) {
  await page.locator("#log li[data-direction=sent] .layers-link").first().click();
  await page.locator(".found .unit[data-layer=frame] .bytes button").nth(1).click();
}

const wide = {viewport: {width: 1180, height: 900}, locale: "en-US"};
await shoot("layers", wide, async (page) => {
  await say(page, "Hello, hilo!");
  await open_frame(page);
});
await shoot("broken", wide, async (page) => {
  await say(page, "Hello");
  await page.locator("#layers-break-rsv").click();
  await page.waitForTimeout(300);
  await page.locator("#text").fill("broken");
  await page.locator("#text").press("Enter");
  await page.locator("#state[data-state=closed]").waitFor();
});
const phone = {viewport: {width: 390, height: 844}, locale: "es-ES", colorScheme: "dark"};
await shoot("capas", phone, async (page) => {
  await say(page, "¡Hola, hilo!");
  await open_frame(page);
});
await shoot("chat", {viewport: {width: 900, height: 900}, locale: "en-US"}, async (page) => {
  await page.goto(`${server.page}chat`);
  await page.locator("#name").fill("Ana");
  await page.locator("#join").click();
  await page.locator("#text:enabled").waitFor();
  await page.locator("#text").fill("Hello");
  await page.locator("#text").press("Enter");
  await page.locator("#messages").getByText("Ana: Hello").waitFor();
});
const tapped = await tap(server.url(""));
await shoot("tap", {...wide, at: tapped.page}, async (page) => {
  await page.locator("#state[data-state=open]").waitFor();
  const client = new Program("connect", "--quiet", `ws://${tapped.address}/echo`);
  client.process.stdin.write("Hello\n");
  await page.locator(".unit[data-layer=message]").nth(1).waitFor();
  await page.locator("#layers-drop-client").click();
  await page.locator("#layers[data-done='1']").waitFor();
  client.process.stdin.write("lost\n");
  await page.locator(".predicted").first().waitFor();
  await page.locator("#layers-inject").click();
  await page.getByText("injected").waitFor();
  await page.getByText("injected").scrollIntoViewIfNeeded();
  await client.stop("SIGKILL");
});
await shoot("grifo", {...phone, at: tapped.page}, async (page) => {
  await page.locator("#state[data-state=open]").waitFor();
  const client = new Program("connect", "--quiet", `ws://${tapped.address}/echo`);
  await page.locator("#layers-break-rsv").click();
  await page.locator("#layers[data-done='1']").waitFor();
  client.process.stdin.write("Hola\n");
  await page.locator(".call .fault").first().waitFor();
  await client.stop("SIGKILL");
});
await tapped.stop();
await browser.close();
await server.stop();
