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
    section.replaceWith(fresh);
    history.replaceState(null, "", query);
    fresh.querySelector(".scroll")?.focus({ preventScroll: true });
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
  for (const part of document.querySelectorAll("[data-fetch]")) {
    part.setAttribute("aria-busy", "true");
    fragment(part.dataset.fetch).then((html) => {
      part.replaceChildren(...parsed(html).body.childNodes);
      part.removeAttribute("aria-busy");
    });
  }

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
  const showTip = (event) => {
    const target = event.target.closest?.("[data-hint]");
    if (!target) { hide(); return; }
    tip.textContent = target.dataset.hint; tip.hidden = false;
    const box = target.getBoundingClientRect(), own = tip.getBoundingClientRect();
    tip.style.left = Math.max(8, Math.min(box.left, innerWidth - own.width - 8)) + "px";
    tip.style.top = (box.bottom + own.height + 14 > innerHeight ? box.top - own.height - 6 : box.bottom + 6) + "px";
  };
  document.addEventListener("mouseover", showTip);
  document.addEventListener("focusin", showTip);
  document.addEventListener("scroll", hide, true);

  // Light and dark.
  document.querySelector("[data-theme-toggle]")?.addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    document.cookie = `gongxu_theme=${root.dataset.theme}; path=${base}; max-age=31536000; samesite=lax`;
  });

  // Keys: an element that names one is pressed by it, unless somebody is typing.
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape") { hide(); if (event.target.matches("input, textarea")) event.target.blur(); return; }
    if (event.target.matches("textarea, select, input:not([type=checkbox]):not([type=radio])")) return;
    const target = document.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
    if (!target) return;
    event.preventDefault();
    if (target.matches("textarea, input[type=text], input[type=search]")) target.focus();
    else target.click();
  });
  const started = document.querySelector("input[data-seconds]");
  if (started) {
    const begun = performance.now();
    started.form.addEventListener("submit", () => { started.value = ((performance.now() - begun) / 1000).toFixed(1); });
  }
  window.addEventListener("pageshow", () => { document.body.dataset.ready = csrf ? "1" : "0"; });
})();
