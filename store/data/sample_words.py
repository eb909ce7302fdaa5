"""Words of the sample shop: what each planted interest buys, and how sellers dress it up."""

from __future__ import annotations

from typing import NamedTuple


class Interest(NamedTuple):
    """One planted interest: its name, its department, its products and what sellers add."""

    name: str
    department: str
    products: tuple[str, ...]
    taglines: tuple[str, ...]


BRANDS = (
    "Alvero", "Brandt", "Corvane", "Dunmore", "Everly", "Fenwick", "Galloway", "Halden", "Ivarsson",
    "Jorvik", "Kessler", "Larkin", "Marlowe", "Norwell", "Ostrom", "Pemberly", "Quillan", "Renner",
    "Sorrel", "Tamsin",
)  # fmt: skip

VARIANTS = (
    "Small", "Large", "2-Pack", "3-Pack", "Black", "Slate Grey", "Forest Green", "Natural",
    "Gift Set", "Starter Kit", "Deluxe", "Compact", "Travel Size", "Classic", "Pro", "Lightweight",
)  # fmt: skip

INTERESTS = (
    Interest("coffee brewing", "Kitchen", (
        "Burr Coffee Grinder", "Gooseneck Pour Over Kettle", "French Press Coffee Maker",
        "Espresso Tamper with Walnut Handle", "Whole Bean Coffee, Dark Roast",
        "Paper Filters for Pour Over Coffee", "Stovetop Moka Pot", "Espresso Cups with Saucers",
        "Milk Frothing Pitcher for Latte Art", "Coffee Scale with Brew Timer",
        "Cold Brew Coffee Carafe", "Single Origin Espresso Beans", "Reusable Coffee Dripper",
    ), ("Home Barista", "Craft Coffee", "Espresso & Pour Over")),
    Interest("home baking", "Kitchen", (
        "Sourdough Proofing Basket", "Nonstick Muffin Tin", "Silicone Baking Mats",
        "Springform Cake Pan", "Dough Scraper and Bread Lame", "Piping Tips for Cake Decorating",
        "Rolling Pin, French Style", "Bread Flour, Unbleached", "Wire Cooling Rack for Cookies",
        "Vanilla Extract for Baking", "Loaf Pan for Banana Bread", "Cookie Cutter Set",
        "Pastry Brush with Natural Bristles",
    ), ("Home Baker", "Bread & Pastry Baking", "Bake Like a Pro")),
    Interest("loose leaf tea", "Kitchen", (
        "Cast Iron Teapot with Infuser", "Loose Leaf Earl Grey Tea", "Matcha Whisk and Bowl",
        "Japanese Sencha Green Tea", "Stainless Tea Strainer", "Oolong Tea Sampler",
        "Glass Teapot for Blooming Tea", "Herbal Chamomile Tea", "Tea Tin with Airtight Lid",
        "Bamboo Matcha Scoop", "Masala Chai Tea Blend", "Porcelain Tea Cups",
        "Rooibos Tea, Caffeine Free",
    ), ("Tea Lovers", "Loose Leaf Tea", "Tea Ceremony")),
    Interest("tent camping", "Outdoors", (
        "Two Person Backpacking Tent", "Down Sleeping Bag", "Inflatable Sleeping Pad",
        "Camp Stove with Wind Shield", "Rechargeable Camping Lantern", "Tent Stakes and Guy Lines",
        "Folding Camp Chair", "Enamel Campfire Mug", "Waterproof Tent Footprint",
        "Headlamp for Night Hiking and Camp", "Camping Cookware Pot Set",
        "Hammock with Tree Straps",
        "Fire Starter for Campfires",
    ), ("Camping & Backpacking", "Campsite Ready", "Outdoor Camping Gear")),
    Interest("trail running", "Outdoors", (
        "Trail Running Shoes", "Hydration Vest for Runners", "Merino Running Socks",
        "GPS Running Watch", "Energy Gels for Long Runs", "Running Shorts with Liner",
        "Reflective Running Jacket", "Foam Roller for Runners", "Running Belt for Phone and Keys",
        "Anti-Chafe Balm for Runners", "Soft Flask for Running Vest", "Running Cap, Breathable",
        "Calf Compression Sleeves for Running",
    ), ("Trail & Marathon Running", "Long Distance Runners", "Running Gear")),
    Interest("road cycling", "Outdoors", (
        "Road Bike Helmet", "Clipless Bicycle Pedals", "Padded Cycling Bib Shorts",
        "Bicycle Chain Lubricant", "Bike Floor Pump with Gauge", "Tubeless Road Bike Tire",
        "USB Rechargeable Bike Light", "Bike Saddle with Relief Channel",
        "Handlebar Tape for Road Bikes",
        "Cycling Jersey with Pockets", "Bicycle Multi Tool with Chain Breaker",
        "Water Bottle Cage for Bicycles", "Cycling Gloves with Gel Palm",
    ), ("Road Cycling", "Bicycle Gear", "Bike Commuter & Racer")),
    Interest("indoor plants", "Home & Garden", (
        "Terracotta Plant Pots with Saucers", "Potting Soil for Houseplants",
        "Monstera Deliciosa, Live Plant", "Brass Plant Mister", "Full Spectrum Grow Light",
        "Succulent and Cactus Mix", "Macrame Plant Hanger", "Liquid Houseplant Fertilizer",
        "Long Spout Watering Can", "Moss Pole for Climbing Plants", "Soil Moisture Meter",
        "Orchid Bark Potting Medium", "Snake Plant in Ceramic Planter",
    ), ("Indoor Gardening", "Houseplant Care", "Plant Parents")),
    Interest("woodworking", "Home & Garden", (
        "Bench Chisels with Beech Handles", "Block Plane for Hand Tool Woodwork",
        "Bar Clamps for Wood Glue-Ups", "Dovetail Saw", "Carpenter Marking Gauge",
        "Router Bit Set for Wood", "Sharpening Stone for Chisels", "Wood Finish, Danish Oil",
        "Sandpaper Assortment for Wood", "Wood Carving Knives", "Dowel Jig for Joinery",
        "Combination Square for Woodworkers", "Waterproof Wood Glue",
    ), ("Woodworking Tools", "Hand Tool Woodworker", "Workshop Joinery")),
    Interest("dog care", "Home & Garden", (
        "No-Pull Dog Harness", "Orthopedic Dog Bed", "Grain Free Dog Treats",
        "Slow Feeder Dog Bowl", "Retractable Dog Leash", "Puppy Training Pads",
        "Dog Nail Grinder", "Squeaky Plush Dog Toy", "Oatmeal Shampoo for Dogs",
        "Dog Raincoat with Hood", "Dental Chews for Dogs", "Dog Grooming Brush",
        "Puppy Teething Toy",
    ), ("Dogs & Puppies", "Dog Owners", "Happy Dog")),
    Interest("watercolor painting", "Arts & Leisure", (
        "Watercolor Paint Pan Set", "Cold Press Watercolor Paper Block",
        "Round Sable Watercolor Brushes",
        "Masking Fluid for Watercolor", "Porcelain Paint Palette",
        "Mop Brush for Watercolor Washes",
        "Watercolor Sketchbook, Spiral", "Artist Easel, Tabletop", "Water Brush Pens",
        "Granulating Watercolor Tubes", "Gouache Paint Set", "Brush Roll for Artists",
        "Painting Tape for Watercolor Paper",
    ), ("Watercolor Painting", "Watercolor Artists", "Fine Art Painting")),
    Interest("film photography", "Arts & Leisure", (
        "35mm Black and White Film", "Leather Camera Strap", "Film Developing Tank",
        "Light Meter for Cameras", "Camera Lens Cleaning Kit", "Tripod for DSLR and Film Cameras",
        "Negative Storage Sleeves", "Photo Album with Sticky Pages", "Color Negative Film, ISO 400",
        "Darkroom Print Tongs", "Padded Camera Bag", "UV Lens Filter 52mm",
        "Film Changing Bag",
    ), ("Film Photography", "Analog Camera", "Darkroom & Film")),
    Interest("board games", "Arts & Leisure", (
        "Cooperative Strategy Board Game", "Polyhedral Dice Set", "Card Sleeves for Board Games",
        "Worker Placement Board Game", "Neoprene Game Playmat", "Fantasy Miniatures, Unpainted",
        "Party Word Game", "Wooden Chess Set", "Two Player Card Game", "Dice Tower and Tray",
        "Railway Board Game Expansion", "Jigsaw Puzzle, 1000 Pieces", "Board Game Storage Inserts",
    ), ("Tabletop Gaming", "Family Game Night", "Board Gamers")),
)  # fmt: skip
