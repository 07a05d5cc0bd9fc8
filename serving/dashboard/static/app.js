// Spares reloads and the mouse; every page works without it.
"use strict";
(() => {
  const base = document.body.dataset.base;
  const csrf = document.body.dataset.csrf;

  const fragment = async (address) => {
    const answer = await fetch(address, { headers: { "X-Fragment": "1" }, credentials: "same-origin" });
    if (answer.status === 401) location.reload();
    return answer.text();
  };
  const parsed = (html) => new DOMParser().parseFromString(html, "text/html");

  // Tables: a link or a form that sorts, filters or pages replaces its table alone.
  const swap = async (section, query) => {
    section.setAttribute("aria-busy", "true");
    const fresh = parsed(await fragment(section.dataset.table + query)).querySelector("[data-table]");
    if (!fresh) { location.search = query; return; }
    const hidden = section.querySelector(".table-head .hidden");
    if (hidden) fresh.querySelector(".table-head :is(h2,h3)").classList.add("hidden");
    const choosing = section.querySelector("details.columns[open]");
    section.replaceWith(fresh);
    if (choosing) fresh.querySelector("details.columns").open = true;
    history.replaceState(null, "", query);
    fresh.querySelector(choosing ? "details.columns a" : ".scroll")?.focus({ preventScroll: true });
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-swap]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    swap(link.closest("[data-table]"), new URL(link.href).search);
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.confirm && !window.confirm(form.dataset.confirm)) { event.preventDefault(); return; }
    if (form.method === "post" && csrf && form.enctype !== "multipart/form-data" && !form.matches("[data-plain]")) {
      event.preventDefault();
      send(form, event.submitter);
      return;
    }
    if (form.method === "get" && form.closest("[data-desk]")) {
      event.preventDefault();
      const given = [...new FormData(form)].filter(([, value]) => value);
      visit(form.action + "?" + new URLSearchParams(given));
      return;
    }
    const section = form.closest("[data-table]");
    if (!section || form.method !== "get") return;
    event.preventDefault();
    swap(section, "?" + new URLSearchParams(new FormData(form)));
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
    const most = Number(event.target.dataset.maxBytes);
    if (most) {
      const sum = [...event.target.files].reduce((all, file) => all + file.size, 0);
      event.target.setCustomValidity(sum > most ? `所选文件共 ${Math.ceil(sum / 2 ** 20)} MB，超过一次 ${Math.floor(most / 2 ** 20)} MB 的上限，请分批上传` : "");
      event.target.reportValidity();
    }
  });

  // Details that are read when they are opened.
  document.addEventListener("toggle", async (event) => {
    const details = event.target;
    if (!details.open || !details.dataset.load) return;
    const address = details.dataset.load;
    delete details.dataset.load;
    details.querySelector(".loaded").replaceChildren(...parsed(await fragment(address)).body.childNodes);
  }, true);

  // Parts of a page that take longer than the rest.
  const wake = (root) => {
    for (const part of root.querySelectorAll("[data-fetch]")) {
      part.setAttribute("aria-busy", "true");
      fragment(part.dataset.fetch).then((html) => {
        part.replaceChildren(...parsed(html).body.childNodes);
        part.removeAttribute("aria-busy");
      });
    }
  };
  wake(document);

  // Panes: what is chosen in one replaces the page's main part alone, so that every list keeps its place.
  const main = document.getElementById("main");
  const panes = () => main?.querySelectorAll(".pane") ?? [];
  const replaceMain = (html, address, push) => {
    const page = parsed(html), fresh = page.getElementById("main");
    if (!fresh || !page.querySelector(".shell")) { location.assign(address); return; }
    const places = new Map([...panes()].map((pane) => [pane.id, pane.scrollTop]));
    const line = (links) => [...links].findIndex((link) => link === document.activeElement);
    const at = [...panes()].map((pane) => [pane.id, line(pane.querySelectorAll("[data-rows] a"))]).find(([, row]) => row >= 0);
    const chosen = new URL(address).searchParams.get("demand") === new URL(location).searchParams.get("demand");
    const choosing = main.querySelector(".pane-count details.menu[open]");
    main.replaceChildren(...fresh.childNodes);
    document.title = page.title;
    if (push) history.pushState(null, "", address);
    const first = !chosen && main.querySelector(".card-title");
    for (const pane of panes()) pane.scrollTop = pane.id === "pane-demands" || (chosen && pane.id === "pane-matches") ? places.get(pane.id) ?? 0 : 0;
    if (choosing) { const menu = main.querySelector(".pane-count details.menu"); if (menu) { menu.open = true; menu.querySelector("a").focus({ preventScroll: true }); } }
    else if (first) first.focus({ preventScroll: true });
    else if (at) document.getElementById(at[0])?.querySelectorAll("[data-rows] a")[at[1]]?.focus({ preventScroll: true });
    wake(main);
  };
  const visit = async (address, push = true) => {
    main.setAttribute("aria-busy", "true");
    const answer = await fetch(address, { credentials: "same-origin" });
    main.removeAttribute("aria-busy");
    replaceMain(await answer.text(), answer.url, push);
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-visit]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    visit(link.href);
  });
  addEventListener("popstate", () => { if (main?.querySelector("[data-desk]")) visit(location.href, false); else location.reload(); });

  // A form that was refused says why in its place and keeps what was typed.
  const send = async (form, submitter) => {
    const body = new URLSearchParams(new FormData(form, submitter));
    form.setAttribute("aria-busy", "true");
    const focused = document.activeElement;
    main.inert = true;  // until the answer is there: what is typed meanwhile would be lost with the page
    let answer, html;
    try {
      answer = await fetch(form.action, { method: "POST", body, credentials: "same-origin" });
      html = await answer.text();
    } catch {
      answer = null;
    }
    form.removeAttribute("aria-busy");
    if (!answer?.ok) {
      main.inert = false;
      const page = parsed(html ?? ""), said = page.querySelector("[data-error]")?.textContent ?? page.body.textContent;
      const text = answer ? said : "没有连上服务器，请稍后再试。";
      let place = form.querySelector(":scope > .failure");
      if (!place) { place = document.createElement("p"); place.className = "failure"; place.setAttribute("role", "alert"); form.append(place); }
      place.textContent = text.trim();
      focused?.focus();
      return;
    }
    if (answer.redirected && !form.closest("[data-desk]")) { location.assign(answer.url); return; }
    main.inert = false;
    replaceMain(html, answer.url, answer.url !== location.href);
  };

  // What goes on elsewhere: looked at again until it is over.
  const poll = (part) => setTimeout(async () => {
    const fresh = parsed(await fragment(part.dataset.poll)).body.firstElementChild;
    if (!fresh) return;
    part.replaceWith(fresh);
    if (fresh.dataset.poll) poll(fresh); else location.reload();
  }, 2000);
  document.querySelectorAll("[data-poll]").forEach(poll);

  // What a number means: on hover and on focus.
  const tip = document.createElement("div");
  tip.className = "tip"; tip.setAttribute("role", "tooltip"); tip.id = "tip"; tip.hidden = true;
  document.body.append(tip);
  const hide = () => { tip.hidden = true; };
  let hinted = null;
  const showTip = (event) => {
    hinted = event.target.closest?.("[data-hint]") ?? null;
    if (!hinted) { hide(); return; }
    tip.textContent = hinted.dataset.hint; tip.hidden = false;
    placeTip();
  };
  const placeTip = () => {
    if (tip.hidden || !hinted) return;
    const box = hinted.getBoundingClientRect(), own = tip.getBoundingClientRect();
    tip.style.left = Math.max(8, Math.min(box.left, innerWidth - own.width - 8)) + "px";
    tip.style.top = (box.bottom + own.height + 14 > innerHeight ? box.top - own.height - 6 : box.bottom + 6) + "px";
  };
  document.addEventListener("mouseover", showTip);
  document.addEventListener("focusin", showTip);
  document.addEventListener("scroll", placeTip, true);  // focus may scroll to what it shows

  // Light and dark.
  document.querySelector("[data-theme-toggle]")?.addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    document.cookie = `gongxu_theme=${root.dataset.theme}; path=${base}; max-age=31536000; samesite=lax`;
  });

  // Anything by its name, from everywhere.
  const finder = document.querySelector("[data-find]");
  let typed = 0;
  finder?.querySelector("input").addEventListener("input", (event) => {
    clearTimeout(typed);
    typed = setTimeout(async () => {
      const asked = event.target.value, html = await fragment(event.target.form.action + "?" + new URLSearchParams({ q: asked }));
      if (asked === event.target.value) finder.querySelector("[data-found]").replaceChildren(...parsed(html).body.childNodes);
    }, 200);
  });
  finder?.addEventListener("click", (event) => { if (event.target === finder) finder.close(); });
  document.querySelector("[data-open-find]")?.addEventListener("click", (event) => { event.preventDefault(); finder.showModal(); });

  // Keys: J and K walk through the innermost list, letters and digits press what the open pair (or the card that has the
  // focus) names by them, and an element that names a key is pressed by it; none of them while somebody is typing.
  const walk = (step) => {
    const lists = [...document.querySelectorAll("[data-rows]")].filter((list) => list.offsetParent && list.querySelector("a"));
    const rows = lists.find((list) => list.contains(document.activeElement)) ?? lists.at(document.querySelector(".at-start") ? 0 : -1);
    if (!rows) return false;
    const links = [...rows.querySelectorAll("a:is(.card-title, [title])")];
    const here = links.findIndex((link) => link === document.activeElement || (!rows.contains(document.activeElement) && link.hasAttribute("aria-current")));
    const next = links[Math.min(links.length - 1, Math.max(0, here + step))];
    next?.focus();
    if (next && document.querySelector("[data-sheet]") && next.matches(".card-title")) next.click();
    return true;
  };
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); finder?.showModal(); return; }
    if (finder?.open || main?.inert) return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const typing = event.target.matches("textarea, select, input:not([type=checkbox]):not([type=radio])");
    if (event.key === "Escape") {
      hide();
      const menu = event.target.closest("details.menu[open]");
      if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
      else if (typing) event.target.blur();
      else (document.querySelector("[data-close]") ?? { click: () => document.querySelector("#pane-demands [aria-current]")?.focus() }).click();
      return;
    }
    if (typing) return;
    const key = event.key.toLowerCase();
    const scope = document.querySelector("[data-sheet]") ?? event.target.closest("[data-card]");
    const target = scope?.querySelector(`[data-act="${CSS.escape(key)}"]`) ?? document.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (target) {
      event.preventDefault();
      if (target.matches("textarea, input[type=text], input[type=search]")) target.focus();
      else target.click();
      if (target.matches("summary")) target.parentElement.querySelector("select, input:not([type=hidden])")?.focus();
    } else if (document.querySelector("[data-desk]") && "jk".includes(key) && walk(key === "j" ? 1 : -1)) event.preventDefault();
    else if (key === "/" && document.querySelector("input[type=search]")) { event.preventDefault(); document.querySelector("input[type=search]").focus(); }
  });
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  const started = document.querySelector("input[data-seconds]");
  if (started) {
    const begun = performance.now();
    started.form.addEventListener("submit", () => { started.value = ((performance.now() - begun) / 1000).toFixed(1); });
  }
  window.addEventListener("pageshow", () => { if (main) main.inert = false; document.body.dataset.ready = csrf ? "1" : "0"; });
})();
