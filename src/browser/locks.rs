//! One tab at a time, by Web Locks. Where there are none, or a tab that hangs holds the lock, work goes ahead: the server
//! answers a token that was just used once more (its reuse window). Only a tab whose request is two refreshes late would
//! be taken for a thief's, and minutes lie between two.

use super::device;
use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};
use wasm_bindgen_futures::{JsFuture, spawn_local};

/// The lock that the tabs of this origin share.
const NAME: &str = "doorward";
/// How long a tab waits for another, in milliseconds.
const PATIENCE: f64 = 10_000.0;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = ["navigator", "locks"], js_name = request)]
    fn request(name: &str, options: &JsValue, granted: &JsValue) -> Result<Promise, JsValue>;
}

/// This tab's turn; it ends when this is dropped.
pub(super) struct Turn(Option<Function>);

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(end) = &self.0 {
            _ = end.call0(&JsValue::NULL);
        }
    }
}

/// Waits for this tab's turn, but never longer than the patience lasts.
pub(super) async fn turn() -> Turn {
    let options = Object::new();
    if let Some(deadline) = device::deadline(PATIENCE) {
        _ = Reflect::set(&options, &"signal".into(), &deadline.signal());
    }
    let turn = Promise::new(&mut |begin: Function, _| {
        let give = begin.clone();
        // The lock is held until the promise that this answers is resolved; `end` resolves it.
        let granted =
            Closure::once_into_js(move || Promise::new(&mut |end: Function, _| _ = give.call1(&JsValue::NULL, &end)));
        let asked = request(NAME, &options, &granted);
        // No locks here, or out of patience: begin without. After a turn that was had this changes nothing.
        spawn_local(async move {
            if let Ok(asked) = asked {
                _ = JsFuture::from(asked).await;
            }
            _ = begin.call0(&JsValue::NULL);
        });
    });
    Turn(JsFuture::from(turn).await.ok().and_then(|end| end.dyn_into().ok()))
}
