import { lazy, Suspense, useEffect } from "react";
import { Redirect, Route, Switch, useLocation } from "wouter";
import { inOrder } from "./assistants";
import { current, guest, setCurrent } from "./chat/registry";
import { ids } from "./chat/subjects";
import { uuid } from "./ids";
import { channel } from "./live/channel";
import { startFeed } from "./live/feed";
import { ApiError } from "./net/http";
import { queries, useAbout } from "./net/queries";
import type { About } from "./net/types";
import { Shell } from "./Shell";
import { SignIn } from "./SignIn";
import { Toasts } from "./ui/toast";
import { Welcome } from "./Welcome";

const loadTalk = () => import("./chat/Talk");
const Talk = lazy(loadTalk);
const Conversations = lazy(() => import("./conversations/Conversations"));
const Dashboard = lazy(() => import("./dashboard/Dashboard"));

export function App() {
  const about = useAbout();
  if (about.error instanceof ApiError && about.error.status === 401) return <SignIn />;
  if (!about.data)
    return (
      <main className="alone">
        {about.error ? (
          <div className="card">
            <h1>Parley can’t be reached</h1>
            <p>{about.error.message}. It is tried again as soon as you are back.</p>
            <button className="button primary" onClick={() => void about.refetch()}>
              Try again
            </button>
          </div>
        ) : (
          <p className="quiet" role="status">
            One moment…
          </p>
        )}
      </main>
    );
  return <Pages about={about.data} />;
}

function Pages({ about }: { about: About }) {
  const { admin } = about.caller;
  const [path] = useLocation();
  useEffect(() => {
    if (path === "/") void loadTalk(); // what comes next is a talk
  }, [path]);
  useEffect(() => (admin ? startFeed() : undefined), [admin]);
  useEffect(
    () =>
      channel.listen((message) => {
        if (message.kind === "event" && message.event.type === "store_state")
          void queries.invalidateQueries({ queryKey: ["status"] });
      }),
    [],
  );
  return (
    <Shell about={about}>
      <Suspense fallback={<p className="quiet padded">One moment…</p>}>
        <Switch>
          <Route path="/">
            <Welcome about={about} />
          </Route>
          <Route path="/talk/:assistant/:id?">
            {({ assistant, id }) => <TalkRoute about={about} name={assistant} {...(id ? { id } : {})} />}
          </Route>
          <Route path="/conversations">
            <Conversations about={about} />
          </Route>
          <Route path="/dashboard">
            {admin ? <Dashboard about={about} /> : <Forbidden />}
          </Route>
          <Route>
            <Redirect to="/" replace />
          </Route>
        </Switch>
      </Suspense>
      <Toasts />
    </Shell>
  );
}

/** Which conversation an address means: the one it names, else the one that was open last, else a new one. */
function TalkRoute({ about, name, id }: { about: About; name: string; id?: string }) {
  const [, go] = useLocation();
  const assistant = inOrder(about.assistants).find((each) => each.name === name);
  const ofUser = assistant?.subject === "user";
  const wanted = ofUser ? (about.caller.user ?? guest()) : id && ids.test(id) ? id : (current(name) ?? uuid());
  useEffect(() => {
    if (!assistant || ofUser) return;
    setCurrent(name, wanted);
    if (id !== wanted) go(`/talk/${name}/${wanted}`, { replace: true });
  }, [assistant, ofUser, name, wanted, id, go]);
  if (!assistant) return <Redirect to="/" replace />;
  if (!ofUser && id !== wanted) return null;
  return <Talk key={`${name} ${wanted}`} about={about} assistant={assistant} id={wanted} />;
}

function Forbidden() {
  return (
    <div className="alone">
      <div className="card">
        <h1>For administrators</h1>
        <p>The dashboard shows what goes on in everybody’s sessions, so it needs an administrator’s key.</p>
      </div>
    </div>
  );
}
