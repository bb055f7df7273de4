// Jobs: commands of the kit that the server runs for this page.

import { call } from "./ui/http.js";
import { follow } from "./ui/events.js";

export const caseName = document.body.dataset.case;
export const api = (path) => `/api/cases/${caseName}/${path}`;

// begin starts a job and follows it; the returned promise is of the ended job.
export async function begin(what, name, handlers) {
  const { body: job } = await call("POST", api("jobs"), { json: { do: what, name } });
  return attend(job.id, handlers);
}

// attend follows a job that runs already. onStart(job) comes first, and again
// when the connection was lost: all lines are told anew then.
export function attend(id, { onStart = () => {}, onLine = () => {} } = {}) {
  return new Promise((resolve) => {
    const stop = follow(`/api/jobs/${id}`, {
      onState: () => {},
      onEvent: (name, data) => {
        if (name === "job") onStart(data);
        if (name === "line") onLine(data);
        if (name === "end") {
          stop();
          resolve(data);
        }
      },
    });
  });
}

// running lists the case's jobs that go on.
export async function running(what) {
  const { body: jobs } = await call("GET", api("jobs"));
  return jobs.filter((job) => job.do === what && !job.ended);
}

export const end = (id) => call("DELETE", `/api/jobs/${id}`);
