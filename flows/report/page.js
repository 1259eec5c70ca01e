"use strict";
/* The browser of samples: filters, pages of rows, and one sample opened at a time. Every text goes in
   as text, never as markup. Blocks of details and media are parsed when they are first needed. */
(() => {
  const PAGE = 25;
  const SVG = "http://www.w3.org/2000/svg";
  const byId = (id) => document.getElementById(id);
  const source = byId("index");
  if (!source || !byId("browser")) return;

  const index = JSON.parse(source.textContent);
  const col = index.columns;
  const total = col.id.length;
  const blocks = new Map();
  const state = { found: [], page: 0, opened: -1 };
  let haystack = null;

  const fromBlock = (name, number, size) => {
    if (number < 0) return null;
    const key = `${name}-${Math.floor(number / size)}`;
    if (!blocks.has(key)) {
      const block = byId(key);
      blocks.set(key, block ? JSON.parse(block.textContent) : []);
    }
    return blocks.get(key)[number % size] || null;
  };
  const unpacked = new Map();
  const unpack = async (block) => {
    const bytes = Uint8Array.from(atob(block.textContent), (one) => one.charCodeAt(0));
    const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(plain).text());
  };
  const details = async (row) => {
    const number = Math.floor(row / index.block);
    if (!unpacked.has(number)) unpacked.set(number, unpack(byId(`details-${number}`)));
    return (await unpacked.get(number))[row % index.block];
  };
  const medium = (number) => fromBlock("media", number, index.mediaBlock);

  const el = (name, className, ...inside) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    made.append(...inside.filter((one) => one !== null && one !== undefined));
    return made;
  };
  const said = (text, className = "") => el("span", `said ${className}`.trim(), text);
  const shape = (name, attributes) => {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const percent = (share) => `${Math.round(100 * share)}%`;
  const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
  const word = (name, row) => index.words[name][col[name][row]];
  const rate = (row) => (col.tries[row] ? col.right[row] / col.tries[row] : -1);

  /* Filtering */
  const texts = () => {
    haystack ||= col.question.map((text, row) => `${text}\n${col.answer[row]}\n${col.id[row]}`.toLowerCase());
    return haystack;
  };
  const chosen = (name) => {
    const value = byId(`f-${name}`).value;
    return value === "" ? -1 : Number(value);
  };
  const bound = (id, fallback) => {
    const value = byId(id).value;
    return value === "" || Number.isNaN(Number(value)) ? fallback : Number(value) / 100;
  };
  const orders = {
    hard: (a, b) => rate(a) - rate(b),
    easy: (a, b) => rate(b) - rate(a),
    unsure: (a, b) => (col.high[b] - col.low[b]) - (col.high[a] - col.low[a]),
  };
  const filter = () => {
    const wanted = { why: chosen("why"), task: chosen("task"), corpus: chosen("corpus"), kind: chosen("kind"), stage: chosen("stage") };
    const words = byId("f-text").value.toLowerCase().split(/\s+/).filter(Boolean);
    const low = bound("f-low", 0), high = bound("f-high", 1);
    const anyRate = low <= 0 && high >= 1;
    const hay = words.length ? texts() : null;
    const found = [];
    for (let row = 0; row < total; row += 1) {
      let fits = true;
      for (const name in wanted) if (wanted[name] >= 0 && col[name][row] !== wanted[name]) { fits = false; break; }
      if (!fits) continue;
      const p = rate(row);
      if (!anyRate && (p < 0 || p < low - 1e-9 || p > high + 1e-9)) continue;
      if (hay && !words.every((part) => hay[row].includes(part))) continue;
      found.push(row);
    }
    const order = byId("f-order").value;
    if (orders[order]) {
      const asked = found.filter((row) => col.tries[row]);
      state.found = asked.sort(orders[order]).concat(found.filter((row) => !col.tries[row]));
    } else state.found = found;
  };

  /* Rows */
  const interval = (row) => {
    const svg = shape("svg", { viewBox: "0 0 140 14", class: "interval", "aria-hidden": "true", focusable: "false" });
    const x = (share) => 4 + 132 * share;
    svg.append(shape("path", { d: "M4 7H136", class: "grid" }));
    svg.append(shape("path", { d: `M${x(col.low[row] / 1000)} 7H${x(col.high[row] / 1000)}`, class: "span" }));
    svg.append(shape("circle", { cx: x(rate(row)), cy: 7, r: 3.4, class: "point" }));
    return svg;
  };
  /* What is enlarged much is shown pixel by pixel, as it is. */
  const tiny = (found) => (found[1] <= 72 ? "tiny" : "");
  const thumb = (row) => {
    const number = col.picture[row];
    const box = el("span", "thumb");
    const found = medium(number);
    if (found && found[0]) {
      const img = el("img", tiny(found));
      img.src = found[0];
      img.alt = "";
      box.append(img);
    } else box.append(number === -2 ? "text" : found ? found[4] : "left out");
    return box;
  };
  const rateCell = (row) => {
    const cell = el("span", "rate");
    if (!col.tries[row]) return el("span", "rate", "not scored");
    cell.append(interval(row), el("span", "", `${col.right[row]} of ${col.tries[row]} right`));
    return cell;
  };
  const where = (row) => {
    const why = word("why", row);
    const kept = col.position[row] >= 0;
    const cell = el("span", "where", el("span", kept ? "badge good" : "badge", why));
    if (kept) cell.append(el("span", "meta", `stage ${col.stage[row]}, place ${col.position[row].toLocaleString("en")}`));
    return cell;
  };
  const rowItem = (row) => {
    const button = el("button", "row");
    button.type = "button";
    button.dataset.row = row;
    button.setAttribute("aria-expanded", "false");
    const ask = el("span", "about", said(col.question[row] || "(no text)", "ask"));
    const meta = el("span", "meta", "answer ", said(col.answer[row], "gives"), " · ", said(word("task", row)));
    if (col.view[row]) meta.append(" · view");
    ask.append(meta);
    button.append(thumb(row), ask, rateCell(row), where(row));
    button.addEventListener("click", () => toggle(row));
    return el("li", "", button);
  };
  const buttons = () => [...byId("rows").querySelectorAll("button.row")];
  const buttonOf = (row) => byId("rows").querySelector(`button.row[data-row="${row}"]`);

  const show = () => {
    const pages = Math.max(1, Math.ceil(state.found.length / PAGE));
    state.page = Math.min(Math.max(0, state.page), pages - 1);
    state.opened = -1;
    const start = state.page * PAGE;
    const rows = state.found.slice(start, start + PAGE);
    byId("rows").replaceChildren(...(rows.length ? rows.map(rowItem) : [el("li", "empty", "No sample is like that. Clear the filters to see all.")]));
    const now = rows.length ? `${(start + 1).toLocaleString("en")}–${(start + rows.length).toLocaleString("en")} of ` : "";
    byId("status").textContent = `${now}${count(state.found.length, "sample")}${state.found.length === total ? "" : ` (of ${total.toLocaleString("en")})`}`;
    byId("status-below").textContent = `Page ${state.page + 1} of ${pages}`;
    for (const id of ["previous", "previous-below"]) byId(id).disabled = state.page === 0;
    for (const id of ["next", "next-below"]) byId(id).disabled = state.page === pages - 1;
  };
  const turn = (by, focus) => {
    const before = state.page;
    state.page += by;
    show();
    if (state.page !== before && focus) buttons()[by > 0 ? 0 : buttons().length - 1].focus();
    return state.page !== before;
  };

  /* One sample */
  const section = (title, ...inside) => [el("h3", "", title), ...inside];
  const mediumShown = ([number, kind, size], position) => {
    const box = el("figure", "medium");
    const found = medium(number);
    const alt = `${kind} ${position + 1} of the sample${size ? `, ${size}` : ""}`;
    if (found && found[0]) {
      const img = el("img", `picture ${tiny(found)}`);
      [img.src, img.width, img.height] = found;
      img.alt = kind === "audio" ? `spectrogram of the clip, ${size}` : alt;
      box.append(img);
    } else {
      box.append(el("span", "picture missing", found ? `${kind}: ${found[4]}` : `${kind}: left out of this page`));
    }
    if (found && found[3]) {
      const audio = el("audio");
      audio.controls = true;
      audio.preload = "none";
      audio.src = found[3];
      audio.setAttribute("aria-label", alt);
      box.append(audio);
    }
    box.append(el("figcaption", "", `${kind}${size ? `, ${size}` : ""}`));
    return box;
  };
  const link = ([id, row]) => {
    if (row < 0) return el("code", "", id);
    const button = el("button", "linked", id);
    button.type = "button";
    button.setAttribute("aria-label", `open sample ${id}`);
    button.addEventListener("click", () => reveal(row));
    return button;
  };
  const VERDICTS = { 1: ["✓ right", "right"], 0: ["✗ wrong", "wrong"], "-1": ["? not graded", ""] };
  const answerShown = ([purpose, policy, step, verdict, text, cut, reason, tokens, finish]) => {
    const [words, className] = VERDICTS[verdict];
    const head = el("div", "", el("span", `verdict ${className}`, words), ` ${purpose}${step >= 0 ? `, step ${step}` : ""}, `, said(policy));
    if (reason) head.append(": ", said(reason));
    const notes = [tokens ? count(tokens, "token") : "", cut ? "shortened here" : "", finish].filter(Boolean).join(", ");
    if (notes) head.append(" ", el("span", "note", notes));
    const pre = el("pre", "", text || "(empty)");
    pre.tabIndex = 0;
    pre.setAttribute("role", "group");
    pre.setAttribute("aria-label", "answer");
    return el("li", "", head, pre);
  };
  const stop = (name, ...inside) => el("li", "", el("span", "stop", name), " ", ...inside);
  const lineage = (d) => {
    const way = el("ol", "way");
    for (const [corpus, ref, split, revision, ended] of d.sources || []) {
      const item = stop("record", el("code", "said", ref), " of ", said(corpus));
      if (revision) item.append(", revision ", said(revision));
      item.append(`, split ${split}${ended ? `, ${ended} since` : ""}`);
      way.append(item);
    }
    if (d.parent) way.append(stop("parent", link(d.parent)));
    if (d.history) way.append(stop("view", said(d.history.join("; ")), d.recipe ? ` (${d.recipe})` : ""));
    way.append(stop("sample", el("code", "", d.id), `, ${d.split || "train"}${d.licence ? ", licence " : ""}`, said(d.licence || "")));
    if (d.views) {
      const item = stop("views", "");
      for (const view of d.views) item.append(link(view), " ");
      way.append(item);
    }
    for (const [purpose, policy, n, right] of d.asked || []) way.append(stop(purpose, said(policy), ` gave ${count(n, "answer")}, ${right} right`));
    if (d.search) way.append(stop("search", d.search[0] ? `solved at try ${d.search[1]} of ${d.search[2]}` : `not solved in ${count(d.search[2], "try").replace("trys", "tries")}`));
    for (const [label, positions, stage] of d.sets || []) way.append(stop("set", `${label}, place ${positions.join(", ")}, stage ${stage}`));
    for (const [run, visits, more] of d.visits || []) {
      const steps = visits.map(([step, right, graded]) => `step ${step} (${right} of ${graded})`).join(", ");
      way.append(stop("training", said(index.runs[run]), `: ${steps}${more ? `, and ${more} more` : ""}`));
    }
    return way;
  };
  const why = (row, d) => {
    const parts = [word("why", row)];
    if (d.then) parts.push(`pass rate ${percent(d.then[0])} of ${count(d.then[1], "try").replace("trys", "tries")} when the set froze`);
    if (col.tries[row]) parts.push(`today ${percent(rate(row))}, 95% interval ${percent(col.low[row] / 1000)} to ${percent(col.high[row] / 1000)}, by ${d.policy || "the policy"}`);
    if (d.guess) parts.push(`guessing alone gives ${percent(d.guess)}`);
    if (d.blind !== undefined) parts.push(`${percent(d.blind)} right without looking`);
    return el("p", "said", parts.join("; "));
  };
  const opened = (row, d) => {
    const left = el("div", "");
    (d.media || []).forEach((one, position) => left.append(mediumShown(one, position)));
    left.append(...section("Question", el("p", "question said", (d.question || col.question[row] || "(no text)") + (d.questionCut ? " …" : ""))));
    left.append(...section("Reference answer", el("p", "said", d.answer || col.answer[row])));
    left.append(...section("Why", why(row, d)));
    const right = el("div", "");
    const list = el("ul", "answers");
    for (const one of d.answers || []) list.append(answerShown(one));
    const none = d.leftOut ? `${count(d.leftOut, "answer")} left out of this page to keep it small.` : "Nobody has been asked yet.";
    right.append(...section("Answers", d.answers ? list : el("p", "note", none)));
    right.append(...section("Lineage", lineage(d)));
    const box = el("div", "opened", left, right);
    box.id = "opened";
    return box;
  };
  const close = () => {
    if (state.opened < 0) return;
    const button = buttonOf(state.opened);
    byId("opened")?.remove();
    button?.setAttribute("aria-expanded", "false");
    button?.removeAttribute("aria-controls");
    state.opened = -1;
  };
  const toggle = async (row) => {
    const again = state.opened === row;
    close();
    if (again) return;
    state.opened = row;
    let known = null;
    try { known = await details(row); } catch { known = null; }
    const button = buttonOf(row);
    if (state.opened !== row || !button || byId("opened")) return;
    button.after(known ? opened(row, known) : tooOld());
    button.setAttribute("aria-expanded", "true");
    button.setAttribute("aria-controls", "opened");
  };
  const tooOld = () => {
    const box = el("p", "empty", "This browser cannot unpack the details of samples; a newer one can.");
    box.id = "opened";
    return box;
  };
  const reveal = async (row) => {
    if (!state.found.includes(row)) { byId("filters").reset(); filter(); }
    state.page = Math.floor(state.found.indexOf(row) / PAGE);
    show();
    await toggle(row);
    buttonOf(row).focus();
    buttonOf(row).scrollIntoView({ block: "nearest" });
  };

  /* Keys, only while a sample has the focus */
  const moves = { ArrowDown: 1, ArrowUp: -1 };
  byId("rows").addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && state.opened >= 0) {
      const row = state.opened;
      close();
      buttonOf(row)?.focus();
      event.preventDefault();
      return;
    }
    if (!event.target.matches("button.row")) return;
    const all = buttons(), here = all.indexOf(event.target);
    if (event.key in moves) {
      const next = all[here + moves[event.key]];
      if (next) next.focus(); else turn(moves[event.key], true);
    } else if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
      if (turn(event.key === "ArrowRight" ? 1 : -1, false)) buttons()[0].focus();
    } else if (event.key === "Home") all[0].focus();
    else if (event.key === "End") all[all.length - 1].focus();
    else if (event.key === "/") byId("f-text").focus();
    else return;
    event.preventDefault();
  });

  /* Filters */
  const option = (select, value, text) => {
    const made = el("option", "", text);
    made.value = value;
    select.append(made);
  };
  for (const name of ["why", "task", "corpus", "kind"]) {
    const tally = new Array(index.words[name].length).fill(0);
    for (const number of col[name]) tally[number] += 1;
    const names = index.words[name].map((text, number) => [text, number]);
    names.sort((a, b) => (name === "why" ? tally[b[1]] - tally[a[1]] : a[0] < b[0] ? -1 : 1));
    for (const [text, number] of names) option(byId(`f-${name}`), number, `${text} (${tally[number].toLocaleString("en")})`);
  }
  for (const stage of [...new Set(col.stage)].filter((one) => one >= 0).sort((a, b) => a - b)) option(byId("f-stage"), stage, String(stage));
  const again = () => { state.page = 0; filter(); show(); };
  let waiting = 0;
  byId("filters").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(again, 120); });
  byId("filters").addEventListener("reset", () => setTimeout(again, 0));
  byId("filters").addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(waiting); again(); });
  for (const id of ["previous", "previous-below"]) byId(id).addEventListener("click", () => { if (turn(-1, false)) byId("samples-heading").scrollIntoView(); });
  for (const id of ["next", "next-below"]) byId(id).addEventListener("click", () => { if (turn(1, false)) byId("samples-heading").scrollIntoView(); });

  byId("browser").hidden = false;
  filter();
  show();
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
})();
