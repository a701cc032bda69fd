// An avatar in space, by WebGL 2 and nothing else: the triangles of a .glb as `motionwarp avatar` writes it, in the
// pose in which they are stored, seen from where one drags.

const FOCAL = 1 / Math.tan(Math.PI / 12);  // a view of 30 degrees from top to bottom
const ROOM = 1.06;  // the figure's height fills the view but for this
const STEEPEST = 0.8;  // radians above or below
const CLOSEST = 0.15, FARTHEST = 2;  // shares of the first distance
const KEY_RADIANS = Math.PI / 12;
const FRONT = {turn: 0, tilt: 0, near: 1, shift: [0, 0]};

// one turn about the vertical, then one about the level axis of who looks
const PLACING = `#version 300 es
in vec3 position;
in vec2 uv;
uniform vec3 center;
uniform vec2 turn;
uniform vec2 focal;
uniform vec2 shift;  // of the picture, in halves of it
uniform vec3 depths;  // of the center, and the nearest and farthest that is drawn
out vec2 texel;
void main() {
    vec3 at = position - center;
    vec2 c = cos(turn), s = sin(turn);
    at = vec3(c.x * at.x + s.x * at.z, at.y, c.x * at.z - s.x * at.x);
    at = vec3(at.x, c.y * at.y - s.y * at.z, s.y * at.y + c.y * at.z);
    float depth = depths.x - at.z;
    float near = depths.y, far = depths.z;
    gl_Position = vec4(focal * at.xy + shift * depth, (depth * (far + near) - 2.0 * far * near) / (far - near), depth);
    texel = uv;
}`;

const COLORING = `#version 300 es
precision mediump float;
in vec2 texel;
uniform sampler2D atlas;
uniform float cutoff;
out vec4 color;
void main() {
    vec4 seen = texture(atlas, texel);
    if (seen.a < cutoff) discard;
    color = vec4(seen.rgb, 1.0);
}`;

class AvatarView {
    constructor(place) {
        this.place = place;
        this.canvas = place.querySelector("canvas");
        this.fingers = new Map();
        this.look = FRONT;
        this.listen();
        this.load().catch((problem) => this.fail(problem));
    }

    async load() {
        const answer = await fetch(this.place.dataset.model, {credentials: "same-origin"});
        if (!answer.ok) {
            throw new Error(`the model was not given (${answer.status})`);
        }
        this.model = modelIn(await answer.arrayBuffer());
        // as the file has it: browsers would multiply by alpha, or turn colors to the screen's
        const how = {premultiplyAlpha: "none", colorSpaceConversion: "none"};
        this.atlas = await createImageBitmap(this.model.picture, how);
        this.prepare();
        this.resizing = new ResizeObserver(() => this.draw());
        this.resizing.observe(this.canvas);
    }

    prepare() {
        const gl = this.canvas.getContext("webgl2", {alpha: true, antialias: true});
        if (!gl) {
            throw new Error("this browser has no WebGL 2");
        }
        this.gl = gl;
        const program = programOf(gl);
        gl.useProgram(program);
        this.uniform = (name) => gl.getUniformLocation(program, name);
        for (const [name, size] of [["position", 3], ["uv", 2]]) {
            gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
            gl.bufferData(gl.ARRAY_BUFFER, this.model[name], gl.STATIC_DRAW);
            const attribute = gl.getAttribLocation(program, name);
            gl.enableVertexAttribArray(attribute);
            gl.vertexAttribPointer(attribute, size, gl.FLOAT, false, 0, 0);
        }
        gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
        gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, this.model.indices, gl.STATIC_DRAW);
        gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
        gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, this.atlas);
        gl.generateMipmap(gl.TEXTURE_2D);
        gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
        for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) {
            gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE);
        }
        gl.uniform1f(this.uniform("cutoff"), this.model.cutoff);
        gl.uniform3fv(this.uniform("center"), this.model.center);
        gl.enable(gl.DEPTH_TEST);
    }

    // drawn when something changes, not all the time: a page that is only open costs nothing
    draw() {
        if (this.asked || !this.gl) {
            return;
        }
        this.asked = requestAnimationFrame(() => {
            this.asked = 0;
            this.drawNow();
        });
    }

    drawNow() {
        const {gl, canvas, model, look} = this;
        const width = Math.round(canvas.clientWidth * devicePixelRatio);
        const height = Math.round(canvas.clientHeight * devicePixelRatio);
        if (!width || !height || gl.isContextLost()) {
            return;  // in a tab that is not looked at
        }
        [canvas.width, canvas.height] = [width, height];
        gl.viewport(0, 0, width, height);
        const aspect = width / height;
        const distance = this.distance(look.near);
        gl.uniform2f(this.uniform("turn"), look.turn, look.tilt);
        gl.uniform2f(this.uniform("focal"), FOCAL / aspect, FOCAL);
        gl.uniform2fv(this.uniform("shift"), look.shift);
        const nearest = Math.max(distance - model.radius, 0.01 * model.radius);
        gl.uniform3f(this.uniform("depths"), distance, nearest, distance + model.radius);
        gl.clearColor(0, 0, 0, 0);
        gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
        gl.drawElements(gl.TRIANGLES, model.indices.length, gl.UNSIGNED_INT, 0);
        this.place.dataset.state = "shown";
    }

    // from the eye to the figure's center; 1 shows all of it
    distance(near) {
        const {model, canvas} = this;
        const aspect = canvas.clientWidth / canvas.clientHeight;
        return model.wide + near * ROOM * FOCAL * Math.max(model.tall, model.wide / aspect);
    }

    listen() {
        const {canvas} = this;
        canvas.addEventListener("pointerdown", (event) => {
            canvas.setPointerCapture(event.pointerId);
            this.fingers.set(event.pointerId, event);
        });
        canvas.addEventListener("pointermove", (event) => this.moved(event));
        for (const end of ["pointerup", "pointercancel"]) {
            canvas.addEventListener(end, (event) => this.fingers.delete(event.pointerId));
        }
        canvas.addEventListener("wheel", (event) => {
            event.preventDefault();
            this.closer(Math.exp(Math.sign(event.deltaY) * 0.1), [event]);
        }, {passive: false});
        canvas.addEventListener("dblclick", () => this.seenFrom(FRONT));
        canvas.addEventListener("keydown", (event) => this.pressed(event));
        canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
        canvas.addEventListener("webglcontextrestored", () => {
            this.prepare();
            this.draw();
        });
    }

    moved(event) {
        const before = this.fingers.get(event.pointerId);
        if (!before) {
            return;
        }
        const apart = this.spread();
        this.fingers.set(event.pointerId, event);
        if (this.fingers.size > 1) {
            this.closer(apart / Math.max(this.spread(), 1), [...this.fingers.values()]);
            return;
        }
        // across the whole view is half a turn
        const radians = Math.PI / this.canvas.clientWidth;
        this.turned(radians * (event.clientX - before.clientX), radians * (event.clientY - before.clientY));
    }

    spread() {
        const [first, second] = this.fingers.values();
        return second ? Math.hypot(first.clientX - second.clientX, first.clientY - second.clientY) : 1;
    }

    pressed(event) {
        const act = {
            ArrowLeft: () => this.turned(-KEY_RADIANS, 0),
            ArrowRight: () => this.turned(KEY_RADIANS, 0),
            ArrowUp: () => this.turned(0, -KEY_RADIANS),
            ArrowDown: () => this.turned(0, KEY_RADIANS),
            "+": () => this.closer(1 / 1.2, []),
            "-": () => this.closer(1.2, []),
            Home: () => this.seenFrom(FRONT),
        }[event.key];
        if (act) {
            event.preventDefault();
            act();
        }
    }

    turned(turn, tilt) {
        this.seenFrom({...this.look, turn: this.look.turn + turn, tilt: within(this.look.tilt + tilt, STEEPEST)});
    }

    // what is in the middle of the fingers stays there
    closer(factor, fingers) {
        if (!this.model) {
            return;
        }
        const box = this.canvas.getBoundingClientRect();
        const mean = (values, whole) => whole - values.reduce((sum, each) => sum + each, 0) / values.length;
        const middle = fingers.length ? [
            -2 * mean(fingers.map((each) => each.clientX), box.left + box.width / 2) / box.width,
            2 * mean(fingers.map((each) => each.clientY), box.top + box.height / 2) / box.height,
        ] : [0, 0];
        const near = Math.min(Math.max(this.look.near * factor, CLOSEST), FARTHEST);
        const larger = this.distance(this.look.near) / this.distance(near);
        const shift = this.look.shift.map((old, axis) => within(middle[axis] + (old - middle[axis]) * larger, 1 / near));
        this.seenFrom({...this.look, near, shift});
    }

    seenFrom(look) {
        this.look = look;
        this.draw();
    }

    fail(problem) {
        this.place.dataset.state = "failed";
        this.place.querySelector("p").textContent =
            `It cannot be shown in 3D here: ${problem.message}. The clip shows it from all sides.`;
    }

    close() {
        cancelAnimationFrame(this.asked);
        this.resizing?.disconnect();
        // browsers keep few contexts, and would take one from a view that is still looked at
        this.gl?.getExtension("WEBGL_lose_context")?.loseContext();
        this.gl = null;
    }
}

function within(value, most) {
    return Math.min(Math.max(value, -most), most);
}

function programOf(gl) {
    const program = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, PLACING], [gl.FRAGMENT_SHADER, COLORING]]) {
        const shader = gl.createShader(kind);
        gl.shaderSource(shader, text);
        gl.compileShader(shader);
        gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
        throw new Error("the graphics driver refuses it");
    }
    return program;
}

// the one mesh of a binary glTF 2.0
function modelIn(content) {
    const words = new DataView(content);
    if (words.byteLength < 20 || words.getUint32(0, true) !== 0x46546c67) {
        throw new Error("the model is no .glb");
    }
    const length = words.getUint32(12, true);
    const told = JSON.parse(new TextDecoder().decode(new Uint8Array(content, 20, length)));
    const binary = 20 + length + 8;
    const bytesOf = (number) => {
        const view = told.bufferViews[number];
        return [binary + (view.byteOffset || 0), view.byteLength];
    };
    const values = (accessor, kind) => {
        const [begin, count] = bytesOf(told.accessors[accessor].bufferView);
        return new kind(content, begin, count / kind.BYTES_PER_ELEMENT);
    };
    const primitive = told.meshes[0].primitives[0];
    const {POSITION, TEXCOORD_0} = primitive.attributes;
    const {min, max} = told.accessors[POSITION];
    const half = min.map((least, axis) => (max[axis] - least) / 2);
    const image = told.images[0];
    return {
        position: values(POSITION, Float32Array),
        uv: values(TEXCOORD_0, Float32Array),
        indices: values(primitive.indices, Uint32Array),
        picture: new Blob([new Uint8Array(content, ...bytesOf(image.bufferView))], {type: image.mimeType}),
        cutoff: told.materials[primitive.material].alphaCutoff ?? 0.5,
        center: min.map((least, axis) => least + half[axis]),
        tall: half[1],
        wide: Math.hypot(half[0], half[2]),
        radius: Math.hypot(...half),
    };
}

// views come and go with what the page is told
function watchAvatarViews() {
    const views = new Map();
    new MutationObserver(() => {
        for (const [place, view] of views) {
            if (!place.isConnected) {
                view.close();
                views.delete(place);
            }
        }
        for (const place of document.querySelectorAll(".mw-space")) {
            if (!views.has(place)) {
                views.set(place, new AvatarView(place));
            }
        }
    }).observe(document.body, {childList: true, subtree: true});
}
